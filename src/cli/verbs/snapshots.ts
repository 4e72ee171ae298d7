// `buntime snapshots`: a session's files at earlier times.
import type { Command } from "commander";
import type { Snapshot } from "../../sdk/contract.ts";
import { allOf, connect } from "../client.ts";
import { doEach } from "../each.ts";
import { note, print, printJson, printTable } from "../output.ts";
import { examples } from "../program.ts";
import { plain } from "../text.ts";
import { bytes, relative } from "../units.ts";

export function define(snapshots: Command): void {
  snapshots
    .command("list <session>")
    .alias("ls")
    .summary("list snapshots, newest first")
    .description("List a session's snapshots, newest first.")
    .addHelpText("after", examples("$ buntime snapshots list my-agent"))
    .action(list);

  snapshots
    .command("create <session>")
    .summary("save the files as they are now")
    .description(
      "Save a session's files as they are now, and print the snapshot's id. One with a label stays until it is deleted; " +
        "of those without, the last five are kept.",
    )
    .option("--label <text>", "what to know it by")
    .addHelpText("after", examples("$ buntime snapshots create my-agent --label 'before the upgrade'"))
    .action(create);

  snapshots
    .command("restore <session> <snapshot>")
    .summary("put files back as they were")
    .description("Put a session's files back as they were. What was there is saved first, so it can be undone.")
    .option("--path <path>", "only this file or folder")
    .addHelpText("after", examples("$ buntime snapshots restore my-agent snp_4k2m9x7q1w8e3r5t6y0u --path src"))
    .action(restore);

  snapshots
    .command("diff <session> <from> [to]")
    .summary("show what changed between two snapshots")
    .description("Show what was added (A), removed (D) or changed (M) between two snapshots. Without <to>: the newest.")
    .addHelpText("after", examples("$ buntime snapshots diff my-agent snp_4k2m9x7q1w8e3r5t6y0u"))
    .action(diff);

  snapshots
    .command("delete <session> <snapshot...>")
    .alias("rm")
    .summary("delete snapshots")
    .description("Delete snapshots. What others share with them stays.")
    .addHelpText("after", examples("$ buntime snapshots delete my-agent snp_4k2m9x7q1w8e3r5t6y0u"))
    .action(remove);
}

async function list(sessionId: string, _: object, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  const { items, total } = await allOf(async (paging) => {
    const page = await client.snapshots.list({ sessionId, ...paging });
    return { items: page.snapshots, total: page.total };
  });
  if (json) return printJson({ snapshots: items, total });
  const now = Date.now();
  printTable<Snapshot>(
    [
      { title: "ID", cell: ({ snapshotId }) => snapshotId },
      { title: "CREATED", cell: ({ createdAt }) => relative(createdAt, now) },
      { title: "REASON", cell: ({ reason, damaged }) => (damaged === null ? reason : `${reason}, damaged`) },
      { title: "FILES", cell: ({ files }) => String(files), align: "right" },
      { title: "SIZE", cell: ({ sizeBytes }) => bytes(sizeBytes), align: "right" },
      { title: "LABEL", cell: ({ label }) => label ?? "-", flexible: true },
    ],
    items,
  );
  if (items.length === 0) note("There are no snapshots. `buntime snapshots create` makes one.");
}

async function create(sessionId: string, options: { label?: string }, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  const label = options.label === undefined ? {} : { label: options.label };
  const snapshot = await client.snapshots.create({ sessionId, ...label });
  if (json) return printJson(snapshot);
  print(snapshot.snapshotId);
  if (process.stderr.isTTY) note(`${snapshot.files} files, ${bytes(snapshot.sizeBytes)}`);
}

async function restore(
  sessionId: string,
  snapshotId: string,
  options: { path?: string },
  command: Command,
): Promise<void> {
  const { client, json } = await connect(command);
  const path = options.path === undefined ? {} : { path: options.path };
  const answer = await client.snapshots.restore({ sessionId, snapshotId, ...path });
  if (json) return printJson(answer);
  note(`Restored. To undo: buntime snapshots restore ${sessionId} ${answer.previousSnapshotId}`);
}

const MARKS = { added: "A", removed: "D", changed: "M" } as const;

async function diff(
  sessionId: string,
  snapshotId: string,
  to: string | undefined,
  _: object,
  command: Command,
): Promise<void> {
  const { client, json } = await connect(command);
  let between = { from: snapshotId, to: to ?? "" };
  const { items, total } = await allOf(async (paging) => {
    const { changes, total, ...ends } = await client.snapshots.diff({ sessionId, snapshotId, to, ...paging });
    between = ends;
    return { items: changes, total };
  });
  if (json) return printJson({ ...between, changes: items, total });
  // A path that holds a line break must not pass for two.
  for (const { change, path } of items) print(`${MARKS[change]} ${plain(path)}`);
  if (items.length === 0) note("They do not differ.");
}

async function remove(sessionId: string, snapshotIds: readonly string[], _: object, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  await doEach(snapshotIds, { json, done: "deleted" }, async (snapshotId) => {
    await client.snapshots.delete({ sessionId, snapshotId });
    return snapshotId;
  });
}
