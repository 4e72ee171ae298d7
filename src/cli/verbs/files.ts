// `buntime files`: what is in a session's workspace.
import type { Command } from "commander";
import type { FileEntry } from "../../sdk/contract.ts";
import { connect } from "../client.ts";
import { doEach } from "../each.ts";
import { usage } from "../failure.ts";
import { note, printJson, printTable } from "../output.ts";
import { parsePlace, workspacePath } from "../places.ts";
import { examples } from "../program.ts";
import { getFile } from "../raw-files.ts";
import { bytes, relative } from "../units.ts";

export function define(files: Command): void {
  files
    .command("ls <session> [path]")
    .summary("list a folder")
    .description(
      "List a folder of a session's workspace; without a path the whole of it. <session>:<path> will do, too.",
    )
    .option("-r, --recursive", "with what is in its folders, and theirs")
    .addHelpText("after", examples("$ buntime files ls my-agent", "$ buntime files ls my-agent src -r"))
    .action(list);

  files
    .command("cat <session> [path]")
    .summary("print a file, byte by byte")
    .description("Print a file, byte by byte.")
    .addHelpText("after", examples("$ buntime files cat my-agent notes.md", "$ buntime files cat my-agent:notes.md"))
    .action(print);

  files
    .command("rm <session> [path...]")
    .summary("remove files")
    .description("Remove files of a session's workspace.")
    .option("-r, --recursive", "folders with what is in them, too")
    .addHelpText("after", examples("$ buntime files rm my-agent old.log", "$ buntime files rm -r my-agent build"))
    .action(remove);
}

/** `my-agent src`, or `my-agent:src`. */
function placesOf(session: string, paths: readonly string[]): { sessionId: string; paths: string[] } {
  const place = parsePlace(session);
  if (place.kind !== "remote") return { sessionId: session, paths: [...paths] };
  return { sessionId: place.sessionId, paths: [place.path, ...paths] };
}

async function list(
  session: string,
  path: string | undefined,
  options: { recursive?: true },
  command: Command,
): Promise<void> {
  const { client, json } = await connect(command);
  const { sessionId, paths } = placesOf(session, path === undefined ? [] : [path]);
  const entries = await client.files.list({
    sessionId,
    path: workspacePath(paths[0] ?? "") || "/workspace",
    recursive: options.recursive === true,
  });
  if (json) return printJson({ files: entries, total: entries.total });
  const now = Date.now();
  printTable<FileEntry>(
    [
      { title: "TYPE", cell: ({ type }) => type },
      { title: "SIZE", cell: ({ type, size }) => (type === "directory" ? "-" : bytes(size)), align: "right" },
      { title: "CHANGED", cell: ({ modified }) => relative(modified, now) },
      { title: "PATH", cell: ({ type, path }) => (type === "directory" ? `${path}/` : path), flexible: true },
    ],
    entries,
  );
  if (entries.length === 0) note("It is empty.");
}

async function print(session: string, path: string | undefined, _: object, command: Command): Promise<void> {
  const { settings } = await connect(command);
  const { sessionId, paths } = placesOf(session, path === undefined ? [] : [path]);
  if (paths[0] === undefined) throw usage("which file?", `Such as \`buntime files cat ${session} notes.md\`.`);
  await getFile(settings, { sessionId, path: workspacePath(paths[0]) }, { sink: process.stdout });
}

async function remove(
  session: string,
  given: readonly string[],
  options: { recursive?: true },
  command: Command,
): Promise<void> {
  const { client, json } = await connect(command);
  const { sessionId, paths } = placesOf(session, given);
  if (paths.length === 0) throw usage("which files?", `Such as \`buntime files rm ${session} old.log\`.`);
  await doEach(paths, { json, done: "deleted", silent: true }, async (path) => {
    await client.files.delete({ sessionId, path: workspacePath(path), recursive: options.recursive === true });
    return path;
  });
}
