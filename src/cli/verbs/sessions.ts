// `buntime sessions`: their whole life.
import { Option } from "commander";
import type { Command } from "commander";
import type { CreateSession, Session } from "../../sdk/contract.ts";
import { openInBrowser } from "../browser.ts";
import { allOf, connect } from "../client.ts";
import { doEach } from "../each.ts";
import { note, print, printFields, printJson, printTable } from "../output.ts";
import { examples } from "../program.ts";
import { bytes, relative, span } from "../units.ts";
import { collect, decimal, duration, integer, pair, port, seconds } from "../values.ts";

interface Creation {
  readonly name?: string;
  readonly ttl?: number;
  readonly metadata?: Record<string, string>;
  readonly tag?: string[];
  readonly description?: string;
  /** False where `--no-internet` was given. */
  readonly internet: boolean;
}

const IMAGES = ["bun", "polyglot"] as const satisfies Session["image"][];

interface NewSession extends Creation {
  readonly image?: (typeof IMAGES)[number];
  readonly memory?: number;
  readonly cpu?: number;
  readonly disk?: number;
  readonly private?: true;
  readonly onDemand?: true;
  readonly idleAfter?: string;
  readonly sleepAfter?: string;
}

export function define(sessions: Command): void {
  withCreation(sessions.command("create").summary("create a session"))
    .description("Create a session, and print its id. Its container starts in the background, or on demand.")
    .addOption(new Option("--image <image>", "polyglot: with Python, Node, Deno and Go").choices(IMAGES))
    .option("--memory <MB>", "memory", integer)
    .option("--cpu <count>", "vCPUs", decimal)
    .option("--disk <MB>", "size of /workspace", integer)
    .option("--private", "its previews want a token (`buntime sessions open` makes one)")
    .option("--on-demand", "no container until something needs one")
    .option("--idle-after <time>", "freeze its processes after this time without activity", duration)
    .option("--sleep-after <time>", "save it and release its container after this time without activity", duration)
    .addHelpText(
      "after",
      examples(
        "$ buntime sessions create --name my-agent --ttl 12h --metadata user=42",
        "$ buntime sessions create --no-internet --private",
        "$ buntime sessions create --on-demand --tag data-analysis --description 'Report of the first quarter'",
        "$ id=$(buntime sessions create)",
      ),
    )
    .action(create);

  sessions
    .command("list")
    .alias("ls")
    .summary("list sessions, newest first")
    .description("List sessions, newest first.")
    .addOption(new Option("--state <state>", "only those").choices(["active", "idle", "deep-sleep"]))
    .option("--metadata <name=value>", "only those that have it; may be given again", pair)
    .option("--tag <tag>", "only those that have it; may be given again", collect)
    .option("--query <words>", "only those with all of these words in name, description or tags")
    .option("-q, --quiet", "only ids")
    .addHelpText(
      "after",
      examples("$ buntime sessions list --state active", "$ buntime sessions list -q | xargs buntime sessions delete"),
    )
    .action(list);

  sessions
    .command("info <session>")
    .summary("show a session; does not wake it")
    .description("Show a session, by its id or name. Does not wake it.")
    .addHelpText("after", examples("$ buntime sessions info my-agent", "$ buntime sessions info my-agent --json"))
    .action(info);

  sessions
    .command("delete <session...>")
    .alias("rm")
    .summary("delete sessions with everything that they hold")
    .description("Delete sessions with everything that they hold: files, snapshots, processes. It cannot be undone.")
    .addHelpText("after", examples("$ buntime sessions delete my-agent other-agent"))
    .action(remove);

  withCreation(sessions.command("fork <session>").summary("create a session that begins with another's files"))
    .description("Create a session that begins with another's files, and print its id.")
    .option("--snapshot <id>", "the files as they were then (default: as they are now)")
    .addHelpText("after", examples("$ buntime sessions fork my-agent --name experiment"))
    .action(fork);

  sessions
    .command("open <session>")
    .summary("open a session's preview in a browser")
    .description("Open a session's preview in a browser, and print its address. For a private one a token is made.")
    .option("--port <port>", "what the server in the session listens on (default: 8080)", port)
    .option("--no-browser", "only print the address")
    .addHelpText("after", examples("$ buntime sessions open my-agent --port 3000"))
    .action(open);
}

function withCreation(command: Command): Command {
  return command
    .option("--name <name>", "a name of its own, to be used in place of its id")
    .option("--ttl <time>", "delete it after this time, such as 12h", seconds)
    .option("--metadata <name=value>", "of yours, to find it again; may be given again", pair)
    .option("--tag <tag>", "to find it again; may be given again", collect)
    .option("--description <text>", "what it is for")
    .option("--no-internet", "no way to the network for its code (default: it has one; of a fork: as its original)");
}

function creationOf({
  name,
  ttl,
  metadata,
  tag,
  description,
  internet,
}: Creation): Pick<CreateSession, "name" | "ttl" | "metadata" | "tags" | "description" | "internet"> {
  return {
    ...(name === undefined ? {} : { name }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(tag === undefined ? {} : { tags: tag }),
    ...(description === undefined ? {} : { description }),
    ...(internet ? {} : { internet }),
  };
}

async function create(options: NewSession, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  const { image, memory, cpu, disk, idleAfter, sleepAfter } = options;
  const resourceLimits = {
    ...(memory === undefined ? {} : { memory }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(disk === undefined ? {} : { disk }),
  };
  const input: CreateSession = {
    ...creationOf(options),
    ...(image === undefined ? {} : { image }),
    ...(Object.keys(resourceLimits).length === 0 ? {} : { resourceLimits }),
    ...(options.private === true ? { preview: "private" as const } : {}),
    ...(options.onDemand === true ? { container: "on-demand" as const } : {}),
    ...(idleAfter === undefined ? {} : { idleAfter }),
    ...(sleepAfter === undefined ? {} : { deepSleepAfter: sleepAfter }),
  };
  const { id } = await client.sessions.create(input);
  await tellNew(await client.sessions.info({ sessionId: id }), json);
}

async function fork(sessionId: string, options: Creation & { snapshot?: string }, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  const snapshot = options.snapshot === undefined ? {} : { snapshotId: options.snapshot };
  const { id } = await client.sessions.fork({ sessionId, ...creationOf(options), ...snapshot });
  await tellNew(await client.sessions.info({ sessionId: id }), json);
}

/** The id alone on stdout, for scripts. */
async function tellNew(session: Session, asJson: boolean): Promise<void> {
  if (asJson) return printJson(session);
  print(session.id);
  if (process.stderr.isTTY) {
    note(`preview ${session.previewUrl}; gone ${relative(session.expiresAt, Date.now())} unless it is extended`);
  }
}

async function list(
  options: {
    state?: Session["state"];
    metadata?: Record<string, string>;
    tag?: string[];
    query?: string;
    quiet?: true;
  },
  command: Command,
): Promise<void> {
  const { client, json } = await connect(command);
  const { state, metadata, tag: tags, query: q } = options;
  const { items, total } = await allOf(async (paging) => {
    const page = await client.sessions.list({ ...paging, state, metadata, tags, q });
    return { items: page.sessions, total: page.total };
  });
  if (json) return printJson({ sessions: items, total });
  if (options.quiet === true) {
    for (const { id } of items) print(id);
    return;
  }
  const now = Date.now();
  printTable<Session>(
    [
      { title: "ID", cell: ({ id }) => id },
      { title: "NAME", cell: ({ name }) => name ?? "-", flexible: true },
      { title: "STATE", cell: ({ state }) => state },
      { title: "CREATED", cell: ({ createdAt }) => relative(createdAt, now) },
      { title: "GONE", cell: ({ expiresAt }) => relative(expiresAt, now) },
      { title: "METADATA", cell: ({ metadata }) => metadataText(metadata), flexible: true },
    ],
    items,
  );
  if (items.length === 0) note("There are no sessions. `buntime sessions create` makes one.");
}

function metadataText(metadata: Readonly<Record<string, unknown>>): string {
  const text = Object.entries(metadata).map(
    ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return text.length === 0 ? "-" : text.join(" ");
}

async function info(sessionId: string, _: object, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  const session = await client.sessions.info({ sessionId });
  if (json) return printJson(session);
  const now = Date.now();
  const { memory, cpu, disk, timeout } = session.resourceLimits;
  const at = (time: string | null): string => (time === null ? "-" : `${time} (${relative(time, now)})`);
  printFields([
    ["id", session.id],
    ["name", session.name ?? "-"],
    ["state", session.state],
    ["preview", `${session.previewUrl} (${session.preview})`],
    ["internet", session.internet ? "yes" : "no"],
    ["created", at(session.createdAt)],
    ["last active", at(session.lastActive)],
    ["idle", at(session.idleAt)],
    ["sleeps", at(session.deepSleepAt)],
    ["gone", at(session.expiresAt)],
    ["saved", at(session.savedAt)],
    ["processes", String(session.activeProcesses)],
    ["files", session.filesCount === null ? "-" : `${session.filesCount}, ${bytes(session.diskUsed ?? 0)}`],
    ["limits", `${memory} MB memory, ${cpu} vCPU, ${disk} MB disk, ${timeout} s per execution`],
    ["used", `${span(session.spent.activeSeconds)} active, ${session.spent.executions} executions`],
    ["metadata", metadataText(session.metadata)],
    ...(session.tags.length === 0 ? [] : [["tags", session.tags.join(", ")] as const]),
    ...(session.description === "" ? [] : [["description", session.description] as const]),
    ...(session.lastLoss === null ? [] : [["lost", `${at(session.lastLoss.at)}: ${session.lastLoss.reason}`] as const]),
    ...(session.damagedSnapshots.length === 0 ? [] : [["damaged", session.damagedSnapshots.join(" ")] as const]),
  ]);
}

async function remove(sessionIds: readonly string[], _: object, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  await doEach(sessionIds, { json, done: "deleted" }, async (id) => {
    const { sessionId } = await client.sessions.delete({ sessionId: id });
    return sessionId;
  });
}

async function open(sessionId: string, options: { port?: number; browser: boolean }, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  const session = await client.sessions.get({ sessionId });
  const asked = options.port === undefined ? {} : { port: options.port };
  const url =
    session.preview === "private"
      ? (await client.previews.createToken({ sessionId, ...asked })).url
      : options.port === undefined
        ? session.previewUrl
        : session.previewUrlFor(options.port);
  if (json) printJson({ url });
  else print(url);
  if (options.browser && process.stdout.isTTY) openInBrowser(url);
}
