// Bytes of files, to a session and back, at the speed of the disk: through node's own HTTP, whose streams pass large pieces
// on as they are, and never hold more than a few of them. What breaks off is taken up again.
import type { IncomingMessage } from "node:http";
import type { Readable, Writable } from "node:stream";
import { encodeFilePath } from "../sdk/address.ts";
import { errorOfAnswer } from "../sdk/answer.ts";
import { BuntimeError } from "../sdk/error.ts";
import { Failure } from "./failure.ts";
import { httpFor } from "./light-fetch.ts";
import { persist } from "./persist.ts";
import type { Settings } from "./settings.ts";

export interface RemoteFile {
  readonly sessionId: string;
  readonly path: string;
}

/** Tells how many bytes more have gone by; a negative number when it begins anew. */
type OnBytes = (count: number) => void;

interface Request {
  readonly method: "GET" | "PUT";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readable | AsyncIterable<Uint8Array>;
  readonly onBytes?: OnBytes;
}

/** Of silence on the connection. An upload may wait for who makes it. */
const SILENCE_MS = { GET: 60_000, PUT: 600_000 } as const;
const ERROR_BYTES = 64 * 1024;

const filePath = ({ sessionId, path }: RemoteFile): string =>
  `/sessions/${encodeURIComponent(sessionId)}/files/${encodeFilePath(path)}`;
const archivePath = (sessionId: string): string => `/sessions/${encodeURIComponent(sessionId)}/archive`;

/** The answer, once its head is there and is a success. @throws BuntimeError */
async function send(settings: Settings, { method, path, headers, body, onBytes }: Request): Promise<IncomingMessage> {
  const url = new URL(`${settings.baseUrl}${path}`);
  const request = httpFor(url).request(url, {
    method,
    headers: { authorization: `Bearer ${settings.apiKey}`, ...headers },
    // Its path is encoded already, and node would let `..` out of it.
    path: `${url.pathname}${url.search}`,
  });
  // Of who makes the body, rather than of the connection.
  let failure: Error | null = null;
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", (error) => reject(failure ?? broken(error)));
    request.setTimeout(SILENCE_MS[method], () => request.destroy(new Error("nothing was heard for too long")));
  });
  if (body === undefined) request.end();
  else {
    // Whoever answers before all was sent does not want the rest.
    const sent = pour(body, request, onBytes, answer);
    sent.catch((error: unknown) => {
      failure = error instanceof Error ? error : new Error(String(error));
      request.destroy();
    });
  }
  const response = await answer;
  if (response.statusCode !== undefined && response.statusCode >= 200 && response.statusCode < 300) return response;
  const text = await head(response);
  request.destroy();
  const { statusCode: status = 502, headers: given } = response;
  const told = new Headers();
  for (const name of ["x-request-id", "retry-after"]) told.set(name, String(given[name] ?? ""));
  throw errorOfAnswer(new Response(text, { status: Math.max(400, status), headers: told }), text);
}

/** Ends the request when all is in it; stops when the answer is there before that. */
async function pour(
  body: AsyncIterable<Uint8Array>,
  request: Writable,
  onBytes: OnBytes = () => {},
  answer: Promise<unknown>,
): Promise<void> {
  let answered = false;
  const settled = answer.then(
    () => (answered = true),
    () => (answered = true),
  );
  for await (const chunk of body) {
    if (answered) return;
    onBytes(chunk.length);
    if (!request.write(chunk)) {
      await Promise.race([new Promise<void>((resolve) => void request.once("drain", resolve)), settled]);
    }
  }
  request.end();
}

async function head(response: IncomingMessage): Promise<string> {
  let text = "";
  try {
    for await (const chunk of response.setEncoding("utf8")) {
      text += String(chunk);
      if (text.length > ERROR_BYTES) break;
    }
  } catch {
    // What came of it has to do.
  }
  return text;
}

function broken(error: Error): BuntimeError {
  if (error instanceof BuntimeError) return error;
  const code = "code" in error ? ` (${String(error.code)})` : "";
  const message = error.message === "" ? "it could not be made" : error.message;
  return new BuntimeError(`The connection to the platform failed: ${message}${code}.`, {
    code: "network_error",
    cause: error,
  });
}

interface Put extends RemoteFile {
  /** A function makes it anew for another try; a stream can be sent once. */
  readonly body: AsyncIterable<Uint8Array> | (() => AsyncIterable<Uint8Array>);
  /** Bytes; undefined: not known beforehand. */
  readonly size?: number;
  readonly onBytes?: OnBytes;
}

/** The file is there as a whole or not at all. @throws BuntimeError */
export async function putFile(settings: Settings, put: Put): Promise<void> {
  await upload(settings, filePath(put), "application/octet-stream", put);
}

/** A .tar.gz over what is in the workspace. @throws BuntimeError */
export async function putArchive(
  settings: Settings,
  sessionId: string,
  put: Omit<Put, "path" | "sessionId">,
): Promise<void> {
  await upload(settings, archivePath(sessionId), "application/gzip", put);
}

async function upload(
  settings: Settings,
  path: string,
  contentType: string,
  { body, size, onBytes }: Omit<Put, "path" | "sessionId">,
): Promise<void> {
  const headers = { "content-type": contentType, ...(size === undefined ? {} : { "content-length": String(size) }) };
  const attempt = async (from: AsyncIterable<Uint8Array>): Promise<void> => {
    let sent = 0;
    const count: OnBytes = (bytes) => {
      sent += bytes;
      onBytes?.(bytes);
    };
    try {
      const exact = size === undefined ? from : ofSize(from, size);
      const answer = await send(settings, { method: "PUT", path, headers, body: exact, onBytes: count });
      answer.resume();
    } catch (error) {
      onBytes?.(-sent);
      throw error;
    }
  };
  if (typeof body === "function") await persist(() => attempt(body()));
  else await attempt(body);
}

/** What was announced must be sent: who waits for the rest of it would wait for long. @throws Failure */
async function* ofSize(body: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let left = size;
  for await (const chunk of body) {
    left -= chunk.length;
    if (left < 0) break;
    yield chunk;
  }
  if (left !== 0) throw new Failure("the file has changed its size while it was sent", { hint: "Copy it again." });
}

interface Get {
  readonly sink: Writable;
  readonly onBytes?: OnBytes;
  /** Bytes of the whole, as soon as they are known. */
  readonly onSize?: (size: number) => void;
}

/**
 * Every byte once, in order; goes on where a connection broke, as long as the file is still the same.
 * @throws BuntimeError; the sink is left open
 */
export async function getFile(settings: Settings, file: RemoteFile, { sink, onBytes, onSize }: Get): Promise<void> {
  let received = 0;
  let before = 0;
  let etag: string | undefined;
  let size: number | null = null;
  const attempt = async (): Promise<void> => {
    before = received;
    const resume = received === 0 || etag === undefined ? {} : { range: `bytes=${received}-`, "if-match": etag };
    const response = await send(settings, { method: "GET", path: filePath(file), headers: resume });
    if (received > 0 && response.statusCode !== 206) {
      response.destroy();
      throw new BuntimeError("The connection broke, and the download cannot be taken up again.", {
        code: "invalid_response",
      });
    }
    if (size === null) {
      etag = response.headers.etag;
      const length = Number(response.headers["content-length"]);
      if (Number.isSafeInteger(length)) onSize?.((size = length));
    }
    await copy(response, sink, (count) => {
      received += count;
      onBytes?.(count);
    });
    if (size !== null && received < size) throw broken(new Error("the connection ended early"));
  };
  await persist(attempt, () => received > before);
}

/**
 * The whole workspace as .tar.gz. A connection that breaks brings all of it anew, so that `unpack` may be called again.
 * @throws BuntimeError
 */
export async function getArchive<T>(
  settings: Settings,
  sessionId: string,
  unpack: (archive: IncomingMessage) => Promise<T>,
): Promise<T> {
  return await persist(async () => {
    const archive = await send(settings, { method: "GET", path: archivePath(sessionId) });
    let failure: Error | null = null;
    archive.once("error", (error) => (failure = broken(error)));
    try {
      return await unpack(archive);
    } catch (error) {
      // Whoever unpacks it sees an archive that ends too early.
      throw failure ?? error;
    } finally {
      archive.destroy();
    }
  });
}

/** Resolves at the end of the source. A slow sink holds the source back. */
async function copy(source: IncomingMessage, sink: Writable, onBytes: OnBytes): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const resume = (): void => void source.resume();
    const fail = (error: Error): void => {
      source.destroy();
      leave();
      reject(error);
    };
    const leave = (): void => {
      sink.off("drain", resume);
      sink.off("error", fail);
    };
    sink.on("drain", resume);
    sink.on("error", fail);
    source.on("data", (chunk: Buffer) => {
      onBytes(chunk.length);
      if (!sink.write(chunk)) source.pause();
    });
    source.once("error", (error) => {
      leave();
      reject(broken(error));
    });
    source.once("end", () => {
      leave();
      resolve();
    });
  });
}
