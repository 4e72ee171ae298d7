// The contexts of a sleeping session, read from what its newest snapshot holds of them. Their directory is open to the
// user's code, so a file that is not what the contract says is none of ours, and is passed over.
import * as z from "zod";
import { Context, LostContext } from "../../contract/contexts.ts";
import type { ContextList } from "../../contract/contexts.ts";
import { CONTEXTS } from "../../contract/limits.ts";
import {
  CONTEXT_FILE,
  CONTEXT_FILE_BYTES,
  CONTEXTS_DIRECTORY,
  restingContext,
  unknownContext,
} from "../../lib/context-record.ts";
import type { StoredContext } from "../../lib/context-record.ts";
import { OWN_DIRECTORY } from "../../lib/files/paths.ts";
import { ProblemError } from "../../lib/problem-error.ts";
import { readWhole, wholeOf } from "./contents.ts";
import type { Manifest } from "./manifest.ts";

const DIRECTORY = `${OWN_DIRECTORY}/${CONTEXTS_DIRECTORY}/`;

const Stored = Context.omit({ state: true }).extend({
  workingDir: z.string(),
  startedAt: z.string().nullable(),
  lost: LostContext.nullable(),
}) satisfies z.ZodType<StoredContext>;

export class AsleepContexts {
  readonly #manifest: Manifest;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  /** Oldest first. @throws DamagedObject */
  async list(): Promise<ContextList> {
    const contexts: Context[] = [];
    const cursor = await this.#manifest.cursor(DIRECTORY);
    for (let node = await cursor.next(); node?.path.startsWith(DIRECTORY) === true; node = await cursor.next()) {
      const [id = "", name, ...deeper] = node.path.slice(DIRECTORY.length).split("/");
      if (name !== CONTEXT_FILE || deeper.length > 0 || node.type !== "file" || node.size > CONTEXT_FILE_BYTES) {
        continue;
      }
      const context = parse(await readWhole(this.#manifest.frames, node, wholeOf(node)));
      if (context?.id === id && contexts.length < CONTEXTS.most) {
        contexts.push(context);
      }
    }
    contexts.sort((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt) || (a.id < b.id ? -1 : 1));
    return { contexts, total: contexts.length };
  }

  /** @throws ProblemError `context_not_found`, DamagedObject */
  async get(id: string): Promise<Context> {
    const { contexts } = await this.list();
    const context = contexts.find((one) => one.id === id);
    if (context === undefined) {
      throw new ProblemError("context_not_found", unknownContext(id));
    }
    return context;
  }
}

function parse(bytes: Uint8Array): Context | null {
  try {
    const stored = Stored.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    return stored.success ? restingContext(stored.data) : null;
  } catch {
    return null;
  }
}
