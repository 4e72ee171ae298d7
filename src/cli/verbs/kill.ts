// `buntime kill`: ends processes of a session.
import { Option } from "commander";
import type { Command } from "commander";
import type { KillRequest } from "../../sdk/contract.ts";
import { connect } from "../client.ts";
import { usage } from "../failure.ts";
import { note, printJson } from "../output.ts";
import { examples } from "../program.ts";
import { integer } from "../values.ts";

type Signal = NonNullable<KillRequest["signal"]>;
const SIGNALS: readonly string[] = ["TERM", "KILL", "INT", "HUP", "QUIT", "USR1", "USR2", "STOP", "CONT"];

export function define(kill: Command): void {
  kill
    .argument("<session>", "its id or name")
    .argument("[pid]", "a process, ended with its group; `buntime ps` lists them", integer)
    .option("--all", "all processes of the session")
    .addOption(
      new Option("-s, --signal <name>", "what to send (default: TERM, and KILL two seconds later)").argParser(
        (text) => `SIG${text.toUpperCase().replace(/^SIG/, "")}`,
      ),
    )
    .addHelpText("after", examples("$ buntime kill my-agent 42", "$ buntime kill my-agent --all --signal KILL"))
    .action(end);
}

async function end(
  sessionId: string,
  pid: number | undefined,
  options: { all?: true; signal?: string },
  command: Command,
): Promise<void> {
  if ((pid === undefined) !== (options.all === true)) {
    throw usage("give either a process id or --all", `\`buntime ps ${sessionId}\` shows what runs.`);
  }
  const { signal } = options;
  if (signal !== undefined && !SIGNALS.includes(signal.slice("SIG".length))) {
    throw usage(`${signal} is not a signal that can be sent`, `There are ${SIGNALS.join(", ")}.`);
  }
  const { client, json } = await connect(command);
  const answer = await client.execution.kill({
    sessionId,
    ...(pid === undefined ? {} : { pid }),
    // SAFETY: looked up just now.
    ...(signal === undefined ? {} : { signal: signal as Signal }),
  });
  if (json) printJson(answer);
  else note(answer.killed === 0 ? "Nothing was running." : `Ended ${answer.pids.join(", ")}.`);
}
