// A file that is looked at, and what has been changed in it. A change is saved only over the version that it was made from.
import { computed, signal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { BuntimeError } from "../../../../sdk/index.ts";
import { api } from "../../../state/access.ts";
import { asBuntimeError, Loader } from "../../../state/loaded.ts";
import { attempt } from "../../../state/notices.ts";
import { asFile, editable, EDITABLE_BYTES, FIRST_BYTES, IMAGE_BYTES, isImage, lineBreakOf, textOf } from "./content.ts";
import type { LineBreak } from "./content.ts";
import { putFile } from "./put-file.ts";

export type Content = {
  /** Bytes; null: the platform did not say. */
  readonly size: number | null;
  readonly type: string;
  /** Names the version. */
  readonly etag: string | null;
} & (
  | { readonly kind: "text"; readonly text: string; readonly lineBreak: LineBreak; readonly isWhole: boolean }
  | { readonly kind: "image"; readonly blob: Blob }
  | { readonly kind: "bytes" }
);

export interface Draft {
  readonly text: string;
  readonly lineBreak: LineBreak;
  /** The version that it was made from, and its text. */
  readonly etag: string;
  readonly original: string;
}

export interface FileDocument {
  readonly sessionId: string;
  readonly path: string;
  readonly content: Loader<Content>;
  /** What has been typed; null: nothing that is not saved. */
  readonly draft: ReadonlySignal<Draft | null>;
  readonly isSaving: ReadonlySignal<boolean>;
  /** Somebody else has changed or deleted it since: nothing is saved until it is decided what shall be there. */
  readonly conflict: ReadonlySignal<boolean>;
  readonly edit: (text: string) => void;
  readonly save: () => Promise<void>;
  /** Writes over what is there now, whatever it is. */
  readonly overwrite: () => Promise<void>;
  /** Drops what was typed, and loads what is there. */
  readonly revert: () => Promise<void>;
  readonly keepEditing: () => void;
  /** Looks whether it is another one by now: then it is loaded again, or the conflict is shown. */
  readonly check: () => Promise<void>;
}

export function createDocument(sessionId: string, path: string, begin: Draft | null = null): FileDocument {
  const content = new Loader((abort) => readContent(sessionId, path, abort));
  const draft = signal(begin);
  const isSaving = signal(false);
  const conflict = signal(false);

  const write = async (over: Parameters<typeof putFile>[0]["over"]): Promise<void> => {
    const { value: sent } = draft;
    if (sent === null || isSaving.peek()) return;
    isSaving.value = true;
    await attempt("Not saved", async () => {
      try {
        const body = new Blob([asFile(sent.text, sent.lineBreak)]);
        const etag = await putFile({ sessionId, path, body, over });
        const lineBreak: LineBreak = sent.lineBreak === "mixed" ? "\n" : sent.lineBreak;
        const type = content.state.peek().value?.type ?? "text/plain";
        content.set({ kind: "text", text: sent.text, lineBreak, isWhole: true, size: body.size, type, etag });
        conflict.value = false;
        const typed = draft.peek();
        // One may have typed on meanwhile.
        if (typed === null || typed.text === sent.text || etag === null) draft.value = null;
        else draft.value = { ...typed, lineBreak, etag, original: sent.text };
      } catch (error) {
        if (asBuntimeError(error).code !== "precondition_failed") throw error;
        conflict.value = true;
      }
    });
    isSaving.value = false;
  };

  return {
    sessionId,
    path,
    content,
    draft,
    isSaving,
    conflict: computed(() => conflict.value && draft.value !== null),
    edit(text) {
      const { value } = content.state.peek();
      const before = draft.peek();
      if (before !== null) draft.value = text === before.original && !conflict.peek() ? null : { ...before, text };
      else if (value?.kind === "text" && value.etag !== null && text !== value.text)
        draft.value = { text, lineBreak: value.lineBreak, etag: value.etag, original: value.text };
    },
    async save() {
      const typed = draft.peek();
      if (typed !== null) await write({ match: typed.etag });
    },
    overwrite: () => write("any"),
    async revert() {
      draft.value = null;
      conflict.value = false;
      await content.reload();
    },
    keepEditing() {
      conflict.value = false;
    },
    async check() {
      const known = draft.peek()?.etag ?? content.state.peek().value?.etag ?? null;
      if (known === null || isSaving.peek() || content.state.peek().loading) return;
      const now = await api()
        .files.stat({ sessionId, path })
        .then(({ etag }) => etag)
        .catch((error: unknown) => (asBuntimeError(error).code === "file_not_found" ? null : known));
      if (now === known || isSaving.peek()) return;
      if (draft.peek() === null) await content.reload();
      else conflict.value = true;
    },
  };
}

async function readContent(sessionId: string, path: string, abort: AbortSignal): Promise<Content> {
  const { headers, body } = await api().files.download({ sessionId, path }, { signal: abort });
  const declared = headers.get("content-length");
  const told = declared === null ? null : Number(declared);
  const type = headers.get("content-type") ?? "application/octet-stream";
  const common = { type, etag: headers.get("etag") };
  if (isImage(type) && told !== null && told <= IMAGE_BYTES) {
    return { kind: "image", size: told, blob: new Blob([await new Response(body).arrayBuffer()], { type }), ...common };
  }
  const { bytes, isWhole } = await readFirst(
    body,
    told !== null && told > EDITABLE_BYTES ? FIRST_BYTES : EDITABLE_BYTES,
  );
  const size = isWhole ? bytes.length : told;
  const text = textOf(bytes, isWhole);
  if (text === null) return { kind: "bytes", size, ...common };
  return { kind: "text", size, text: editable(text), lineBreak: lineBreakOf(text), isWhole, ...common };
}

async function readFirst(
  body: ReadableStream<Uint8Array> | null,
  most: number,
): Promise<{ readonly bytes: Uint8Array; readonly isWhole: boolean }> {
  if (body === null) return { bytes: new Uint8Array(), isWhole: true };
  const reader = body.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(new Uint8Array(value));
    length += value.length;
    if (length > most) {
      await reader.cancel();
      break;
    }
  }
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
  return { bytes: bytes.subarray(0, most), isWhole: length <= most };
}

/** Makes an empty file. @throws BuntimeError `conflict` when there is something already */
export async function makeFile(sessionId: string, path: string): Promise<void> {
  try {
    await putFile({ sessionId, path, body: "", over: "absent" });
  } catch (error) {
    if (asBuntimeError(error).code !== "precondition_failed") throw error;
    throw new BuntimeError("There is a file with this name already.", { code: "conflict", cause: error });
  }
}
