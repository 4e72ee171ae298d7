// A .tar.gz into the workspace. Every entry takes the same way as a client's write, so the archive reaches nothing that a
// client could not reach. Files replace files; what was unpacked before an error stays.
import { chmodSync, linkSync, lutimesSync, symlinkSync, unlinkSync, utimesSync } from "node:fs";
import { SupervisorError } from "../problem.ts";
import type { DiskLedger } from "./disk.ts";
import { Draft, exactTarget, type Target } from "./draft.ts";
import { invalid, nameOf, parseLink, parsePath } from "../../../src/lib/files/paths.ts";
import { readTar, type TarEntry } from "../../../src/lib/files/tar-reader.ts";
import type { Workspace } from "./workspace.ts";

/** Written between two looks at the disk's limit. */
const LOOK_BYTES = 8 * 1024 * 1024;
/** A small file costs at least a block. */
const BLOCK_BYTES = 4096;

export async function unpack(
  workspace: Workspace,
  disk: DiskLedger,
  body: ReadableStream<Uint8Array>,
): Promise<{ files: number }> {
  const directories: { relative: string; entry: TarEntry }[] = [];
  let files = 0;
  let unseen = 0;
  const admit = async (bytes: number): Promise<void> => {
    unseen += bytes;
    if (unseen < LOOK_BYTES) return;
    await disk.reserve(unseen);
    unseen = 0;
  };
  await disk.reserve(0);
  for await (const entry of readTar(gunzip(body))) {
    const relative = entryPath(entry.name);
    // The archive's root is the workspace, which is there already.
    if (relative === "") continue;
    await admit(BLOCK_BYTES);
    switch (entry.type) {
      case "file":
        await unpackFile(workspace, relative, entry, admit);
        break;
      case "directory":
        await workspace.gate.pass(() => workspace.makeDirectory(relative)[Symbol.dispose]());
        directories.push({ relative, entry });
        break;
      case "symlink":
        parseLinkOf(entry, () => parseLink(relative, entry.linkName));
        await workspace.gate.pass(() => unpackLink(workspace, relative, entry));
        break;
      case "hardlink": {
        const original = parseLinkOf(entry, () => entryPath(entry.linkName));
        await workspace.gate.pass(() => unpackHardLink(workspace, relative, original));
        break;
      }
      case "other":
        // FIFOs and devices have no content to keep.
        continue;
    }
    files++;
  }
  // Last, because a directory may be closed for writing, and each entry made in it changes its time. Inner ones first.
  await workspace.gate.pass(() => {
    for (const { relative, entry } of directories.toReversed()) {
      using directory = workspace.directory(relative);
      workspace.act(relative, () => {
        utimesSync(directory.link, entry.modifiedSeconds, entry.modifiedSeconds);
        chmodSync(directory.link, entry.mode & 0o777);
      });
    }
  });
  return { files };
}

async function unpackFile(
  workspace: Workspace,
  relative: string,
  entry: TarEntry,
  admit: (bytes: number) => Promise<void>,
): Promise<void> {
  using draft = new Draft(workspace, replaceable(exactTarget(workspace, relative)));
  for await (const chunk of entry.body) {
    await admit(chunk.length);
    await draft.write(chunk);
  }
  await draft.publish({ mode: entry.mode, modifiedSeconds: entry.modifiedSeconds });
}

function unpackLink(workspace: Workspace, relative: string, entry: TarEntry): void {
  using target = replaceable(exactTarget(workspace, relative));
  workspace.act(relative, () => {
    if (target.existing !== null) unlinkSync(target.parent.at(target.name));
    symlinkSync(entry.linkName, target.parent.at(target.name));
    lutimesSync(target.parent.at(target.name), entry.modifiedSeconds, entry.modifiedSeconds);
  });
}

function unpackHardLink(workspace: Workspace, relative: string, original: string): void {
  using source = workspace.parent(original);
  using target = replaceable(exactTarget(workspace, relative));
  workspace.act(relative, () => {
    if (target.existing !== null) unlinkSync(target.parent.at(target.name));
    linkSync(source.at(nameOf(original)), target.parent.at(target.name));
  });
}

function replaceable(target: Target): Target {
  if (target.existing?.isDirectory() !== true) return target;
  target[Symbol.dispose]();
  throw new SupervisorError("conflict", `${target.relative} is a directory, the archive has something else there`);
}

function entryPath(name: string): string {
  if (name.startsWith("/")) throw invalid(`The archive has the absolute name ${name}; names must be relative`);
  return parsePath(name);
}

function parseLinkOf(entry: TarEntry, parse: () => string): string {
  try {
    return parse();
  } catch {
    throw invalid(`The archive's link ${entry.name} leads out of the workspace, to ${entry.linkName}`);
  }
}

async function* gunzip(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body.pipeThrough(new DecompressionStream("gzip"));
  } catch (error) {
    if (error instanceof TypeError) throw invalid("The archive is not gzip, or it is cut off");
    throw error;
  }
}
