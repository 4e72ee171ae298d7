// A folder of a session, out of its archive, into a local folder. What is in a session was written by others: nothing of it
// is put outside the folder, nothing is written through a link, and links that lead out are left out.
import { createWriteStream } from "node:fs";
import { chmod, link, lstat, lutimes, mkdir, rename, rm, symlink, utimes } from "node:fs/promises";
import { pipeline } from "node:stream";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { readTar } from "../lib/files/tar-reader.ts";
import type { TarEntry } from "../lib/files/tar-reader.ts";
import { Failure, hasCode } from "./failure.ts";

const PIECE_BYTES = 256 * 1024;

export interface FolderDownload {
  readonly archive: Readable;
  /** In the workspace; "" for all of it. */
  readonly source: string;
  /** Made if it is not there; its parent is. */
  readonly target: string;
  readonly onBytes: (count: number) => void;
  /** What is left out, and why. */
  readonly onSkipped: (path: string, reason: string) => void;
}

interface Place {
  readonly target: string;
  /** Directories that were made or seen, by their byte strings. */
  readonly directories: Set<string>;
}

/** @returns names of files, relative to the source, whose contents are elsewhere in the workspace: to be fetched one by one */
export async function unpackFolder(download: FolderDownload): Promise<string[]> {
  const { archive, source, target, onBytes, onSkipped } = download;
  const prefix = Buffer.from(source).toString("latin1");
  const place: Place = { target, directories: new Set([""]) };
  const modes: { readonly name: string; readonly entry: TarEntry }[] = [];
  const elsewhere: string[] = [];
  await mkdir(target, { recursive: true });
  for await (const entry of readTar(gunzip(archive), { names: "bytes" })) {
    const name = nameBelow(prefix, entry.name);
    if (name === null) continue;
    if (name === "" && entry.type !== "directory") throw new Failure(`/workspace/${source} is no directory any longer`);
    if (name === "") continue;
    await enter(place, parentOf(name));
    if (entry.type === "directory") {
      await enter(place, name);
      modes.push({ name, entry });
    } else if (entry.type === "file") await writeFile(place, name, entry, onBytes);
    else if (entry.type === "symlink") {
      if (!staysInside(name, entry.linkName)) onSkipped(shown(name), "a link that leads out of the folder");
      else await writeLink(place, name, entry);
    } else if (entry.type === "hardlink") {
      const original = nameBelow(prefix, entry.linkName);
      if (original === null || original === "") elsewhere.push(name);
      else await writeHardLink(place, name, original);
    } else onSkipped(shown(name), "neither file, folder nor link");
  }
  // Last, since a folder may be closed for writing, and what is put into it changes its time.
  for (const { name, entry } of modes.toReversed()) {
    await chmod(at(place, name), (entry.mode & 0o777) | 0o700);
    await utimes(at(place, name), entry.modifiedSeconds, entry.modifiedSeconds);
  }
  return elsewhere.map((name) => Buffer.from(name, "latin1").toString());
}

async function* gunzip(archive: Readable): AsyncGenerator<Uint8Array, void> {
  const plain = createGunzip({ chunkSize: PIECE_BYTES });
  // Not by `pipe`, which waits for ever for an archive that broke off before it was listened to. Told by the loop below.
  pipeline(archive, plain, () => {});
  for await (const chunk of plain) {
    // SAFETY: without an encoding it gives buffers.
    yield chunk as Buffer;
  }
}

/** Relative to the folder; null for what is not in it. @throws Failure for a name that climbs */
function nameBelow(prefix: string, name: string): string | null {
  const segments = name.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (name.startsWith("/") || segments.includes("..") || name.includes("\0")) {
    throw new Failure(
      `the archive names ${JSON.stringify(shown(name))}, which leads out of it; nothing of it was kept`,
    );
  }
  const whole = segments.join("/");
  if (prefix === "" || whole === prefix) return prefix === "" ? whole : "";
  return whole.startsWith(`${prefix}/`) ? whole.slice(prefix.length + 1) : null;
}

/** Climbs from where it really is, and only then down: what a name stands for may be a link, above which is anything. */
function staysInside(name: string, linkName: string): boolean {
  const segments = linkName.split("/").filter((segment) => segment !== "" && segment !== ".");
  const firstName = segments.findIndex((segment) => segment !== "..");
  const climbs = firstName === -1 ? segments.length : firstName;
  return !linkName.startsWith("/") && climbs < name.split("/").length && !segments.slice(climbs).includes("..");
}

/** A real directory and no link to one, made if it is not there, and so on up to the target. */
async function enter(place: Place, name: string): Promise<void> {
  if (place.directories.has(name)) return;
  await enter(place, parentOf(name));
  const path = at(place, name);
  const existing = await lstat(path).catch(() => null);
  if (existing === null) await mkdir(path);
  else if (!existing.isDirectory()) {
    throw new Failure(`${path.toString()} is there and is no folder`, {
      hint: "Move it away, or copy to another folder.",
    });
  }
  place.directories.add(name);
}

/** A file that was there before stays as it was until all of the new one is there. */
async function writeFile(place: Place, name: string, entry: TarEntry, onBytes: (count: number) => void): Promise<void> {
  const path = await free(place, name);
  const draft = at(place, draftOf(name));
  // `wx` opens nothing that is there, so no link either.
  const file = createWriteStream(draft, { flags: "wx", mode: entry.mode & 0o777, highWaterMark: PIECE_BYTES });
  const done = finished(file);
  done.catch(() => {});
  try {
    for await (const chunk of entry.body) {
      onBytes(chunk.length);
      if (!file.write(chunk))
        await Promise.race([done, new Promise<void>((resolve) => void file.once("drain", () => resolve()))]);
    }
    file.end();
    await done;
    await utimes(draft, entry.modifiedSeconds, entry.modifiedSeconds);
    await rename(draft, path);
  } catch (error) {
    file.destroy();
    await done.catch(() => {});
    if (!hasCode(error, "EEXIST")) await rm(draft, { force: true });
    throw error;
  }
}

/** Beside the file, and no longer than a name may be. */
function draftOf(name: string): string {
  const folder = parentOf(name);
  const draft = `.${name.slice(folder === "" ? 0 : folder.length + 1).slice(0, 200)}.${process.pid}`;
  return folder === "" ? draft : `${folder}/${draft}`;
}

async function writeLink(place: Place, name: string, entry: TarEntry): Promise<void> {
  const path = await cleared(place, name);
  await symlink(Buffer.from(entry.linkName, "latin1"), path);
  await lutimes(path, entry.modifiedSeconds, entry.modifiedSeconds);
}

async function writeHardLink(place: Place, name: string, original: string): Promise<void> {
  await enter(place, parentOf(original));
  const existing = await lstat(at(place, original)).catch(() => null);
  if (existing?.isFile() !== true)
    throw new Failure(`the archive has ${shown(name)} linked to a file that is not in it`);
  await link(at(place, original), await cleared(place, name));
}

/** Where something can be put. @throws Failure where a folder is in the way */
async function free(place: Place, name: string): Promise<Buffer> {
  const path = at(place, name);
  const existing = await lstat(path).catch(() => null);
  if (existing?.isDirectory() === true) {
    throw new Failure(`${path.toString()} is a folder, and in the session it is none`, {
      hint: "Move it away, or copy to another folder.",
    });
  }
  return path;
}

/** The same, with nothing there any longer. */
async function cleared(place: Place, name: string): Promise<Buffer> {
  const path = await free(place, name);
  await rm(path, { force: true });
  return path;
}

const parentOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf("/")));
const at = ({ target }: Place, name: string): Buffer =>
  Buffer.from(Buffer.from(`${target}/`).toString("latin1") + name, "latin1");
const shown = (name: string): string => Buffer.from(name, "latin1").toString();
