// `buntime keys`: API keys of the account.
import { Option } from "commander";
import type { Command } from "commander";
import type { CreateKey, Key, NewKey } from "../../sdk/contract.ts";
import { allOf, connect } from "../client.ts";
import { doEach } from "../each.ts";
import { note, print, printJson, printTable } from "../output.ts";
import { examples } from "../program.ts";
import { relative } from "../units.ts";
import { collect, duration } from "../values.ts";

type Scope = NonNullable<CreateKey["scopes"]>[number];

export function define(keys: Command): void {
  keys
    .command("list")
    .alias("ls")
    .summary("list keys, without their texts")
    .description("List the account's keys, newest first, without their texts.")
    .addHelpText("after", examples("$ buntime keys list"))
    .action(list);

  keys
    .command("create")
    .summary("create a key and print it, this once")
    .description("Create a key and print it. It is not shown again.")
    .option("--name <name>", "what to know it by")
    .option("--scope <scope>", "what it may do; may be given again (default: all)", collect)
    .addOption(new Option("--expires-in <time>", "refuse it after this time, such as 30d").argParser(duration))
    .option("--session <session>", "the only session that it opens")
    .addHelpText(
      "after",
      "\nScopes: sessions:read sessions:write execute files:read files:write storage admin\n" +
        examples(
          "$ buntime keys create --name ci --scope execute --scope files:write --expires-in 30d",
          "$ BUNTIME_API_KEY=$(buntime keys create --session my-agent) node agent.js",
        ),
    )
    .action(create);

  keys
    .command("rotate <key>")
    .summary("give a key a new text, and print it")
    .description("Give a key a new text and print it. The old one is refused from now on.")
    .addHelpText("after", examples("$ buntime keys rotate key_4k2m9x7q1w8e3r5t6y0u"))
    .action(rotate);

  keys
    .command("revoke <key...>")
    .summary("revoke keys")
    .description("Revoke keys: the next request with one of them is refused.")
    .addHelpText("after", examples("$ buntime keys revoke key_4k2m9x7q1w8e3r5t6y0u"))
    .action(revoke);
}

async function list(_: object, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  const { items, total } = await allOf(async (paging) => {
    const page = await client.keys.list(paging);
    return { items: page.keys, total: page.total };
  });
  if (json) return printJson({ keys: items, total });
  const now = Date.now();
  printTable<Key>(
    [
      { title: "ID", cell: ({ id }) => id },
      { title: "NAME", cell: ({ name }) => name ?? "-", flexible: true },
      { title: "CREATED", cell: ({ createdAt }) => relative(createdAt, now) },
      { title: "USED", cell: ({ lastUsedAt }) => relative(lastUsedAt, now) },
      { title: "EXPIRES", cell: ({ expiresAt }) => relative(expiresAt, now) },
      { title: "SESSION", cell: ({ sessionId }) => sessionId ?? "all" },
      { title: "SCOPES", cell: ({ scopes }) => scopes.join(" "), flexible: true },
    ],
    items,
  );
}

async function create(
  options: { name?: string; scope?: string[]; expiresIn?: string; session?: string },
  command: Command,
): Promise<void> {
  const { client, json } = await connect(command);
  const { name, scope, expiresIn, session } = options;
  const input: CreateKey = {
    ...(name === undefined ? {} : { name }),
    // SAFETY: the platform says which there are, and refuses others by name.
    ...(scope === undefined ? {} : { scopes: scope as Scope[] }),
    ...(expiresIn === undefined ? {} : { expiresIn }),
    ...(session === undefined ? {} : { sessionId: session }),
  };
  tellNew(await client.keys.create(input), json);
}

async function rotate(keyId: string, _: object, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  tellNew(await client.keys.rotate({ keyId }), json);
}

function tellNew(key: NewKey, asJson: boolean): void {
  if (asJson) return printJson(key);
  print(key.key);
  if (process.stderr.isTTY) note(`${key.id}; it is not shown again`);
}

async function revoke(keyIds: readonly string[], _: object, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  await doEach(keyIds, { json, done: "revoked" }, async (keyId) => {
    await client.keys.delete({ keyId });
    return keyId;
  });
}
