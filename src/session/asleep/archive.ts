// A saved tree as .tar.gz, with what container/supervisor/files/pack.ts puts into it: all but the supervisor's own
// directory, what is being written, and what is closed to the session's user.
import type { FileNode, TreeNode } from "../../contract/manifest.ts";
import { isHidden, nameOf, parentOf } from "../../lib/files/paths.ts";
import { tarEnd, tarHeader, tarPadding, type TarHeader } from "../../lib/files/tar-writer.ts";
import { readAhead } from "./ahead.ts";
import { bytesOfSlice, pieceOf, slicesOf, wholeOf, type Slice } from "./contents.ts";
import { gzip } from "./gzip.ts";
import type { Manifest } from "./manifest.ts";
import { mayEnter, mayList, mayRead, type Tree } from "./tree.ts";

/** The session's user in every container. */
const OWNER = 1000;
const LINK_MODE = 0o777;

/** Bytes of a header or padding, or a part of a file. */
type Unit = Uint8Array | Slice;

/** @throws DamagedObject */
export function packTree(tree: Tree): AsyncGenerator<Uint8Array, void> {
  return gzip(tarOf(tree.manifest));
}

async function* tarOf(manifest: Manifest): AsyncGenerator<Uint8Array, void> {
  const { frames } = manifest;
  const wanted = (unit: Unit): ReturnType<typeof pieceOf> => (unit instanceof Uint8Array ? null : pieceOf(unit));
  for await (const [unit, sent] of readAhead(frames, unitsOf(manifest), wanted)) {
    if (unit instanceof Uint8Array) {
      yield unit;
    } else {
      yield* bytesOfSlice(frames, unit, sent);
    }
  }
}

async function* unitsOf(manifest: Manifest): AsyncGenerator<Unit, void> {
  const cursor = await manifest.cursor("");
  // Directories whose content is left out. It comes later than what lies beside them.
  const closed = new Set<string>();
  // Of files whose own name is left out: the first of their names that is not.
  const names = new Map<string, string>();
  for (let node = await cursor.next(); node !== null; node = await cursor.next()) {
    const parent = parentOf(node.path);
    if (closed.delete(parent)) {
      // "0" comes after "/".
      cursor.skipTo(`${parent}0`);
      continue;
    }
    const isOpen = node.type !== "directory" || mayList(node);
    if (isHidden(node.path, nameOf(node.path)) || !isOpen) {
      if (node.type === "directory") {
        closed.add(node.path);
      }
      continue;
    }
    if (node.type === "directory" && !mayEnter({ path: node.path, node })) {
      closed.add(node.path);
    }
    yield* unitsOfNode(manifest, node, names);
  }
  yield tarEnd();
}

async function* unitsOfNode(
  manifest: Manifest,
  node: TreeNode,
  names: Map<string, string>,
): AsyncGenerator<Unit, void> {
  const name = `./${node.path}`;
  switch (node.type) {
    case "directory":
      yield header({ name, type: "directory", mode: node.mode }, node.mtimeNs);
      break;
    case "symlink":
      yield header({ name, type: "symlink", mode: LINK_MODE, linkName: node.target }, node.mtimeNs);
      break;
    case "file":
    case "hardlink": {
      const file = await manifest.fileOf(node);
      if (!mayRead(node.path, file.mode)) {
        break;
      }
      const first =
        node.type === "file" ? null : (await isPacked(manifest, file.path)) ? file.path : names.get(file.path);
      if (typeof first === "string") {
        yield header({ name, type: "hardlink", mode: file.mode, linkName: `./${first}` }, file.mtimeNs);
        break;
      }
      if (node.type === "hardlink") {
        names.set(file.path, node.path);
      }
      yield* unitsOfFile(name, file);
      break;
    }
  }
}

/** Whether a file goes in under its own name. */
async function isPacked(manifest: Manifest, path: string): Promise<boolean> {
  const names = path.split("/");
  for (let depth = 1; depth <= names.length; depth++) {
    const at = names.slice(0, depth).join("/");
    if (isHidden(at, nameOf(at))) {
      return false;
    }
    const node = depth === names.length ? null : await manifest.find(at);
    if (node?.type === "directory" && !(mayList(node) && mayEnter({ path: at, node }))) {
      return false;
    }
  }
  return true;
}

function* unitsOfFile(name: string, file: FileNode): Generator<Unit, void> {
  yield header({ name, type: "file", mode: file.mode, sizeBytes: file.size }, file.mtimeNs);
  yield* slicesOf(file, wholeOf(file));
  yield tarPadding(file.size);
}

function header(entry: Omit<TarHeader, "owner" | "modifiedSeconds">, mtimeNs: bigint): Uint8Array {
  const second = 1_000_000_000n;
  const seconds = (mtimeNs - (((mtimeNs % second) + second) % second)) / second;
  return tarHeader({ ...entry, owner: OWNER, modifiedSeconds: Number(seconds) });
}
