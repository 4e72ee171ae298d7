// A local folder as a .tar.gz for a session, made while it is sent. Names are bytes all the way, so that any name there can
// be is sent as it is.
import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { tarEnd, tarHeader, tarPadding } from "../lib/files/tar-writer.ts";
import type { TarHeader } from "../lib/files/tar-writer.ts";
import { Failure } from "./failure.ts";

/** More would cost more time than it saves on any network that is fast. */
const LEVEL = 1;
const PIECE_BYTES = 256 * 1024;

export interface FolderUpload {
  readonly folder: string;
  /** Where it goes, relative to the workspace; "" for the workspace itself. */
  readonly target: string;
  /** Of contents, before they are compressed. */
  readonly onBytes: (count: number) => void;
  /** What can be no part of a workspace: sockets and the like. */
  readonly onSkipped: (path: string) => void;
}

export function packFolder(upload: FolderUpload): AsyncIterable<Uint8Array> {
  const tar = Readable.from(tarOf(upload), { objectMode: false, highWaterMark: PIECE_BYTES });
  const gzip = createGzip({ level: LEVEL, chunkSize: PIECE_BYTES });
  tar.once("error", (error) => gzip.destroy(error));
  gzip.once("close", () => tar.destroy());
  return tar.pipe(gzip);
}

async function* tarOf({ folder, target, onBytes, onSkipped }: FolderUpload): AsyncGenerator<Uint8Array, void> {
  const root = Buffer.from(folder);
  const prefix = Buffer.from(target).toString("latin1");
  const pending: { readonly path: Buffer; readonly name: string }[] = [{ path: root, name: prefix }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, name } = next;
    const stat = await lstat(path);
    const header = {
      name,
      mode: stat.mode & 0o777,
      owner: 0,
      modifiedSeconds: Math.floor(stat.mtimeMs / 1000),
    } satisfies Partial<TarHeader>;
    if (stat.isDirectory() || name === prefix) {
      if (name !== "") yield tarHeader({ ...header, type: "directory" });
      const entries = await readdir(path, { encoding: "buffer" });
      // Taken from the end.
      for (const entry of entries.toSorted((one, other) => one.compare(other)).toReversed()) {
        const inside = entry.toString("latin1");
        pending.push({ path: join(path, entry), name: name === "" ? inside : `${name}/${inside}` });
      }
    } else if (stat.isSymbolicLink()) {
      const linkName = (await readlink(path, { encoding: "buffer" })).toString("latin1");
      yield tarHeader({ ...header, type: "symlink", linkName });
    } else if (stat.isFile()) {
      yield tarHeader({ ...header, type: "file", sizeBytes: stat.size });
      yield* contentOf(path, stat.size, onBytes);
      yield tarPadding(stat.size);
    } else onSkipped(path.toString());
  }
  yield tarEnd();
}

/** As many bytes as the header says, whatever becomes of the file meanwhile. */
async function* contentOf(path: Buffer, size: number, onBytes: (count: number) => void): AsyncGenerator<Uint8Array> {
  if (size === 0) return;
  let sent = 0;
  for await (const chunk of createReadStream(path, { end: size - 1, highWaterMark: PIECE_BYTES })) {
    // SAFETY: without an encoding a file is read as buffers.
    const bytes = chunk as Buffer;
    sent += bytes.length;
    onBytes(bytes.length);
    yield bytes;
  }
  if (sent < size) throw new Failure(`${path.toString()} became shorter while it was read`);
}

function join(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from("/"), name]);
}
