// Files of a session's workspace. Paths are relative to /workspace, or absolute inside it.
import { encodeFilePath, pathOf } from "../address.ts";
import type { Optional, Whose } from "../address.ts";
import { fileInput } from "../bytes.ts";
import type { Content, FileToWrite } from "../bytes.ts";
import type { FileContent, FileDeleted, FileEntry, FileList, FileWritten, SearchAnswer } from "../contract.ts";
import { checkedBody } from "../checked-body.ts";
import { BuntimeError } from "../error.ts";
import type { Call, RequestOptions, Transport } from "../transport.ts";
import type { Paging } from "./execution.ts";

export interface OfFile {
  readonly path: string;
}

export interface ListFiles extends Paging {
  /** Default: the whole workspace, /workspace. */
  readonly path?: string | undefined;
  /** With what is in its directories, and theirs. Default: false. */
  readonly recursive?: boolean | undefined;
}

/** Entries, sorted by path. `total` counts those on other pages, too. */
export type FileEntries = FileEntry[] & { readonly total: number };

export interface WriteOne extends OfFile {
  readonly content: Content | ReadableStream<Uint8Array>;
  /** `base64`: `content` is text that stands for bytes. Default: `utf-8`. */
  readonly encoding?: "utf-8" | "base64" | undefined;
}

export interface WriteMany {
  readonly files: readonly FileToWrite[];
}

export interface DeleteFile extends OfFile {
  /** Needed for a directory that is not empty. Default: false. */
  readonly recursive?: boolean | undefined;
}

export interface MoveFileInput {
  readonly from: string;
  readonly to: string;
  /** Replace what is there. Default: false, which makes that a `conflict`. */
  readonly overwrite?: boolean | undefined;
}

export interface SearchFiles {
  /** Plain text that a line must hold. */
  readonly q: string;
  /** Only files whose path matches, such as `src/**\/*.ts`. */
  readonly glob?: string | undefined;
  /** 1 to 1000. Default: 100. */
  readonly limit?: number | undefined;
}

export interface DownloadFile extends OfFile {
  /** In bytes. Without `length` to the end. */
  readonly range?: { readonly offset: number; readonly length?: number | undefined } | undefined;
  /** Only this version, by its `etag`; otherwise `precondition_failed`. */
  readonly ifMatch?: string | undefined;
}

export interface FileStat {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Null where the platform does not say. */
  readonly modified: Date | null;
  readonly etag: string | null;
  readonly contentType: string | null;
}

type As<F extends string> = OfFile & { readonly as: F };

export class Files<S extends Whose> {
  readonly #transport: Transport;
  readonly #own: string | null;

  constructor(transport: Transport, own: string | null) {
    this.#transport = transport;
    this.#own = own;
  }

  /** Text as a string; bytes that are not UTF-8 as a Uint8Array. `as` says which it shall be. */
  read(input: S & OfFile & { readonly as?: undefined }, options?: RequestOptions): Promise<string | Uint8Array>;
  /** Bytes that are not UTF-8 are replaced by U+FFFD. */
  read(input: S & As<"text">, options?: RequestOptions): Promise<string>;
  read(input: S & As<"bytes">, options?: RequestOptions): Promise<Uint8Array<ArrayBuffer>>;
  read(input: S & As<"stream">, options?: RequestOptions): Promise<ReadableStream<Uint8Array>>;
  /** With its size and time, as the API has it. */
  read(input: S & As<"info">, options?: RequestOptions): Promise<FileContent>;
  async read(
    input: S & OfFile & { readonly as?: string | undefined },
    options?: RequestOptions,
  ): Promise<string | Uint8Array | ReadableStream<Uint8Array> | FileContent> {
    if (input.as === "info") {
      const query = { sessionId: this.#ref(input), path: input.path };
      return this.#transport.json<FileContent>({ method: "GET", path: "/files/read", query, options });
    }
    if (input.as === "stream") {
      return bodyOf(await this.download(input, options));
    }
    const buffer = await this.#transport.read({ method: "GET", path: this.#rawPath(input), options }, (response) =>
      response.arrayBuffer(),
    );
    if (input.as === "bytes") {
      return new Uint8Array(buffer);
    }
    try {
      return new TextDecoder("utf-8", { fatal: input.as !== "text", ignoreBOM: true }).decode(buffer);
    } catch {
      return new Uint8Array(buffer);
    }
  }

  /** Writes one file or several; parents are made. A stream is sent as it comes, and can be sent only once. */
  write(input: S & WriteOne, options?: RequestOptions): Promise<FileWritten>;
  write(input: S & WriteMany, options?: RequestOptions): Promise<{ files: FileWritten[] }>;
  async write(
    input: S & (WriteOne | WriteMany),
    options?: RequestOptions,
  ): Promise<FileWritten | { files: FileWritten[] }> {
    if ("files" in input) {
      const files = await Promise.all(input.files.map(fileInput));
      return this.#post("/files/write", { sessionId: this.#ref(input), files }, { options, repeatable: true });
    }
    const { path, content, encoding } = input;
    if (typeof content === "string" && (encoding === "base64" || !content.isWellFormed())) {
      const json = { sessionId: this.#ref(input), path, content, encoding };
      return this.#post("/files/write", json, { options, repeatable: true });
    }
    const body = bodyFrom(content);
    return this.#transport.json<FileWritten>({
      method: "PUT",
      path: this.#rawPath(input),
      body,
      headers: { "content-type": "application/octet-stream" },
      timeout: UPLOAD_MS,
      options,
    });
  }

  /** Sorted by path. Without `limit` and `offset` all of them, in as many requests as that takes. */
  async list(...[input, options]: Optional<S, ListFiles, RequestOptions>): Promise<FileEntries> {
    const { path, recursive, limit, offset }: ListFiles = input ?? {};
    const page = (asked: Paging): Promise<FileList> =>
      this.#transport.json<FileList>({
        method: "GET",
        path: "/files/list",
        query: { sessionId: this.#ref(input), path, recursive, limit: asked.limit, offset: asked.offset },
        options,
      });
    let { files, total } = await page(
      limit === undefined && offset === undefined ? { limit: PAGE } : { limit, offset },
    );
    if (limit === undefined && offset === undefined) {
      for (let more = files; more.length > 0 && files.length < total;) {
        ({ files: more, total } = await page({ limit: PAGE, offset: files.length }));
        files = files.concat(more);
      }
    }
    return withTotal(files, total);
  }

  delete(input: S & DeleteFile, options?: RequestOptions): Promise<FileDeleted> {
    const { path, recursive } = input;
    const query = { sessionId: this.#ref(input), path, recursive };
    const gone: FileDeleted = { deleted: true, path };
    return this.#transport.json({ method: "DELETE", path: "/files", query, gone, options });
  }

  move(input: S & MoveFileInput, options?: RequestOptions): Promise<FileEntry> {
    const { from, to, overwrite } = input;
    return this.#post("/files/move", { sessionId: this.#ref(input), from, to, overwrite }, { options });
  }

  /** Makes a directory with its parents. One that is there already is fine. */
  mkdir(input: S & OfFile, options?: RequestOptions): Promise<FileEntry> {
    return this.#post("/files/mkdir", { sessionId: this.#ref(input), path: input.path }, { options, repeatable: true });
  }

  /** Lines that hold a text. */
  search(input: S & SearchFiles, options?: RequestOptions): Promise<SearchAnswer> {
    const { q, glob, limit } = input;
    const path = `${pathOf(this.#own, input)}/files/search`;
    return this.#transport.json({ method: "GET", path, query: { q, glob, limit }, options });
  }

  /** Of a file, without its content. */
  async stat(input: S & OfFile, options?: RequestOptions): Promise<FileStat> {
    const path = this.#rawPath(input);
    try {
      const { headers } = await this.#transport.send({ method: "HEAD", path, options });
      const modified = Date.parse(headers.get("last-modified") ?? "");
      return {
        path: input.path,
        size: Number(headers.get("content-length")),
        modified: Number.isNaN(modified) ? null : new Date(modified),
        etag: headers.get("etag"),
        contentType: headers.get("content-type"),
      };
    } catch (error) {
      if (error instanceof BuntimeError && error.code === "invalid_response") {
        // The answer to HEAD has no body, and so says nothing of what is wrong; that to GET does.
        await this.#transport.read({ method: "GET", path, options }, async (response) => response.body?.cancel());
      }
      throw error;
    }
  }

  /** The answer itself, its body a stream of the bytes, its headers with `etag` and `content-type`. */
  async download(input: S & DownloadFile, options?: RequestOptions): Promise<Response> {
    const { range, ifMatch } = input;
    const end = range?.length === undefined ? "" : String(range.offset + range.length - 1);
    return checkedBody(
      await this.#transport.send({
        method: "GET",
        path: this.#rawPath(input),
        headers: {
          ...(range === undefined ? {} : { range: `bytes=${range.offset}-${end}` }),
          ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
        },
        options,
      }),
      options?.signal,
    );
  }

  /** The workspace as .tar.gz. */
  async archive(...[input, options]: Optional<S, object, RequestOptions>): Promise<ReadableStream<Uint8Array>> {
    const path = `${pathOf(this.#own, input)}/archive`;
    return bodyOf(checkedBody(await this.#transport.send({ method: "GET", path, options }), options?.signal));
  }

  /** Unpacks a .tar.gz into the workspace, over what is there. */
  extract(
    input: S & { readonly body: Content | ReadableStream<Uint8Array> },
    options?: RequestOptions,
  ): Promise<{ files: number }> {
    return this.#transport.json({
      method: "PUT",
      path: `${pathOf(this.#own, input)}/archive`,
      body: bodyFrom(input.body),
      headers: { "content-type": "application/gzip" },
      timeout: UPLOAD_MS,
      options,
    });
  }

  #post<T>(path: string, json: unknown, call: Pick<Call<T>, "options" | "repeatable">): Promise<T> {
    return this.#transport.json<T>({ method: "POST", path, json, ...call });
  }

  #ref(input: { readonly sessionId?: string | undefined } | undefined): string {
    return this.#own ?? input?.sessionId ?? "";
  }

  #rawPath(input: S & OfFile): string {
    return `${pathOf(this.#own, input)}/files/${encodeFilePath(input.path)}`;
  }
}

const PAGE = 100;
/** An upload takes as long as it takes; this ends one that has stopped. */
const UPLOAD_MS = 3_600_000;

function withTotal(files: FileEntry[], total: number): FileEntries {
  // Not enumerable, so that a copy or a comparison sees the entries alone.
  return Object.defineProperty(files, "total", { value: total }) as FileEntries;
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  return response.body ?? new Blob([]).stream();
}

function bodyFrom(content: Content | ReadableStream<Uint8Array>): Exclude<RequestInit["body"], null | undefined> {
  // SAFETY: bytes over shared memory are the one kind that the type would let through and fetch does not take.
  return content as Exclude<RequestInit["body"], null | undefined>;
}
