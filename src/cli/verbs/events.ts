// `buntime events`: what happens in the account, as it happens.
import type { Command } from "commander";
import type { EventType } from "../../sdk/contract.ts";
import { connect } from "../client.ts";
import { EXIT } from "../failure.ts";
import { print, printJsonLine } from "../output.ts";
import { examples } from "../program.ts";
import { plain } from "../text.ts";
import { collect, integer } from "../values.ts";

export function define(events: Command): void {
  events
    .description("Follow what happens in the account, until Ctrl-C. With --json each event is a line of JSON.")
    .option("--after <event>", "begin with those that came after this one")
    .option("--type <type>", "only those, such as session.created; may be given again", collect)
    .option("-n, --count <count>", "end after so many", integer)
    .addHelpText(
      "after",
      examples("$ buntime events", "$ buntime events --type execution.completed --json | jq .data.exitCode"),
    )
    .action(follow);
}

async function follow(options: { after?: string; type?: string[]; count?: number }, command: Command): Promise<void> {
  const { client, json } = await connect(command);
  process.once("SIGINT", () => process.exit(EXIT.interrupted));
  const { after, type, count = Number.POSITIVE_INFINITY } = options;
  let left = count;
  const events = client.events.follow({
    ...(after === undefined ? {} : { after }),
    // SAFETY: the platform says which there are, and refuses others by name.
    ...(type === undefined ? {} : { types: type as EventType[] }),
  });
  for await (const event of events) {
    if (json) printJsonLine(event);
    else
      print(`${event.at}  ${event.type.padEnd(20)}  ${event.sessionId ?? "-"}  ${plain(JSON.stringify(event.data))}`);
    left -= 1;
    if (left <= 0) return;
  }
}
