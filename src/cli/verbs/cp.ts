// `buntime cp`: files and folders to a session and back.
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { finished } from "node:stream/promises";
import type { Command } from "commander";
import { connect } from "../client.ts";
import type { Connection } from "../client.ts";
import { Failure, hasCode, usage } from "../failure.ts";
import { note, printJson } from "../output.ts";
import { joined, lastName, parsePlace, workspacePath } from "../places.ts";
import type { Place } from "../places.ts";
import { examples } from "../program.ts";
import { Progress } from "../progress.ts";
import { getArchive, getFile, putArchive, putFile } from "../raw-files.ts";

const PIECE_BYTES = 1024 * 1024;

type Remote = Extract<Place, { kind: "remote" }>;
/** What was copied: bytes of contents. */
interface Copied {
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
}

export function define(cp: Command): void {
  cp.argument("<from>", "a file or folder: `path`, or `session:path`; `-` for stdin")
    .argument("<to>", "where it goes, the same way; `-` for stdout")
    .description(
      "Copy files and folders to a session and back. As with cp, what goes to a folder that is there is put into it; a path " +
        "that ends in / is a folder. `folder/.` copies what is in it. A file arrives as a whole or not at all; where the " +
        "connection breaks it goes on. Paths in a session are relative to /workspace.",
    )
    .addHelpText(
      "after",
      "\nA local file with a colon in its name: ./a:b\n" +
        examples(
          "$ buntime cp data.csv my-agent:",
          "$ buntime cp ./src my-agent:app",
          "$ buntime cp my-agent:report.pdf .",
          "$ buntime cp my-agent: ./backup",
          "$ tar -c logs | buntime cp - my-agent:logs.tar",
        ),
    )
    .action(copy);
}

async function copy(fromText: string, toText: string, _: object, command: Command): Promise<void> {
  const [from, to] = [parsePlace(fromText), parsePlace(toText)];
  if ((from.kind === "remote") === (to.kind === "remote")) {
    throw usage(
      from.kind === "remote"
        ? "from one session to another nothing is copied"
        : "one of the two has to be in a session",
      from.kind === "remote"
        ? "Copy it here first, or fork the session: `buntime sessions fork`."
        : "A path in a session looks like my-agent:path.",
    );
  }
  const connection = await connect(command);
  let copied: Copied | null = null;
  if (to.kind === "remote") {
    copied = from.kind === "local" ? await upload(connection, from.path, to) : await uploadStdin(connection, to);
  } else if (from.kind === "remote") {
    copied = to.kind === "local" ? await download(connection, from, to.path) : await downloadToStdout(connection, from);
  }
  // What goes to stdout is the file itself.
  if (connection.json && to.kind !== "stdio") printJson(copied);
}

/** What is at a path in a session. A file where there may be one: whoever reads it is told what is wrong. */
async function remoteKind({ client }: Connection, { sessionId, path }: Remote): Promise<"directory" | "file" | null> {
  try {
    await client.files.list({ sessionId, path: workspacePath(path) || "/workspace", limit: 1 });
    return "directory";
  } catch (error) {
    if (hasCode(error, "file_not_found")) return null;
    if (hasCode(error, "invalid_request")) return "file";
    throw error;
  }
}

/** Where in the session something with this name goes. */
async function remoteTarget(connection: Connection, to: Remote, name: string): Promise<string> {
  const target = workspacePath(to.path);
  const isFolder = target === "" || to.path.endsWith("/") || (await remoteKind(connection, to)) === "directory";
  return isFolder ? joined(target, name) : target;
}

async function upload(connection: Connection, local: string, to: Remote): Promise<Copied> {
  const stats = await stat(local).catch(() => {
    throw usage(`there is no file ${local}`);
  });
  const name = local.endsWith("/.") || local === "." ? "" : lastName(path.resolve(local).split(path.sep).join("/"));
  const target = await remoteTarget(connection, to, name);
  const { sessionId } = to;
  const { settings } = connection;
  using progress = new Progress(local, stats.isFile() ? stats.size : null);
  let bytes = 0;
  const onBytes = (count: number): void => {
    bytes += count;
    progress.add(count);
  };
  if (stats.isDirectory()) {
    const { packFolder } = await import("../folder-upload.ts");
    const onSkipped = (skipped: string): void => note(`${skipped} is left out: neither file, folder nor link`);
    await putArchive(settings, sessionId, {
      body: () => {
        onBytes(-bytes);
        return packFolder({ folder: local, target, onBytes, onSkipped });
      },
    });
  } else {
    const body = (): AsyncIterable<Uint8Array> => createReadStream(local, { highWaterMark: PIECE_BYTES });
    // What is no file, such as a pipe, can be read once, and has no size; files of the kernel say that they are empty.
    const whole = stats.isFile() ? { ...(stats.size > 0 ? { size: stats.size } : {}), body } : { body: body() };
    await putFile(settings, { sessionId, path: target, ...whole, onBytes });
  }
  return { from: local, to: `${sessionId}:${target}`, bytes };
}

async function uploadStdin(connection: Connection, to: Remote): Promise<Copied> {
  const target = await remoteTarget(connection, to, "");
  if (target === "" || to.path.endsWith("/") || target !== workspacePath(to.path)) {
    throw usage("stdin has no name; say which file it is to become", `Such as ${to.sessionId}:data.bin.`);
  }
  using progress = new Progress("stdin", null);
  let bytes = 0;
  await putFile(connection.settings, {
    sessionId: to.sessionId,
    path: target,
    body: process.stdin,
    onBytes: (count) => {
      bytes += count;
      progress.add(count);
    },
  });
  return { from: "-", to: `${to.sessionId}:${target}`, bytes };
}

async function download(connection: Connection, from: Remote, local: string): Promise<Copied> {
  const kind = await remoteKind(connection, from);
  const source = workspacePath(from.path);
  const existing = await stat(local).catch(() => null);
  const intoFolder = existing?.isDirectory() === true;
  if (kind === "directory") {
    const name = from.path.endsWith("/.") || source === "" ? "" : lastName(source);
    return await downloadFolder(connection, from, intoFolder ? path.join(local, name) : local);
  }
  if (local.endsWith("/") && !intoFolder) await mkdir(local, { recursive: true });
  const target = intoFolder || local.endsWith("/") ? path.join(local, lastName(source)) : local;
  using progress = new Progress(source, null);
  let bytes = 0;
  const isPlain = existing === null || existing.isDirectory() || existing.isFile();
  await writing(target, isPlain, async (sink) => {
    const onBytes = (count: number): void => {
      bytes += count;
      progress.add(count);
    };
    await getFile(
      connection.settings,
      { sessionId: from.sessionId, path: source },
      { sink, onBytes, onSize: progress.setSize },
    );
  });
  return { from: `${from.sessionId}:${source}`, to: target, bytes };
}

/** The file is there as a whole or as it was before; what is no file, such as /dev/null, is written as it is. */
async function writing(
  target: string,
  isPlain: boolean,
  write: (sink: NodeJS.WritableStream & ReturnType<typeof createWriteStream>) => Promise<void>,
): Promise<void> {
  // Its name is no longer than one may be, which counts bytes.
  const name = Buffer.from(path.basename(target)).subarray(0, 200).toString();
  const draft = isPlain ? path.join(path.dirname(target), `.${name}.${process.pid}`) : target;
  const sink = createWriteStream(draft, { flags: isPlain ? "wx" : "w", highWaterMark: PIECE_BYTES });
  const done = finished(sink);
  done.catch(() => {});
  try {
    await Promise.race([write(sink), done]);
    sink.end();
    await done;
    if (isPlain) await rename(draft, target);
  } catch (error) {
    sink.destroy();
    await done.catch(() => {});
    if (isPlain && !hasCode(error, "EEXIST")) await rm(draft, { force: true });
    throw hasCode(error, "ENOENT") ? new Failure(`the folder of ${target} is not there`) : error;
  }
}

async function downloadFolder(connection: Connection, from: Remote, target: string): Promise<Copied> {
  const { unpackFolder } = await import("../folder-download.ts");
  const source = workspacePath(from.path);
  const { sessionId } = from;
  using progress = new Progress(`${sessionId}:${source}`, null);
  let bytes = 0;
  const onBytes = (count: number): void => {
    bytes += count;
    progress.add(count);
  };
  const skipped = new Map<string, string>();
  const elsewhere = await getArchive(connection.settings, sessionId, (archive) => {
    onBytes(-bytes);
    return unpackFolder({ archive, source, target, onBytes, onSkipped: (name, reason) => skipped.set(name, reason) });
  });
  for (const [name, reason] of skipped) note(`${name} is left out: ${reason}`);
  for (const name of elsewhere) {
    await writing(path.join(target, name), true, (sink) =>
      getFile(connection.settings, { sessionId, path: joined(source, name) }, { sink, onBytes }),
    );
  }
  return { from: `${sessionId}:${source}`, to: target, bytes };
}

async function downloadToStdout(connection: Connection, from: Remote): Promise<Copied> {
  const source = workspacePath(from.path);
  let bytes = 0;
  const onBytes = (count: number): void => void (bytes += count);
  await getFile(connection.settings, { sessionId: from.sessionId, path: source }, { sink: process.stdout, onBytes });
  return { from: `${from.sessionId}:${source}`, to: "-", bytes };
}
