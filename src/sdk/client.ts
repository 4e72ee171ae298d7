// The client: a door to everything.
import type { OfSession } from "./address.ts";
import { Account } from "./resources/account.ts";
import { Events } from "./resources/events.ts";
import { executeOn } from "./resources/execute.ts";
import type { Execute, ExecuteInput, StreamInput } from "./resources/execute.ts";
import { Executions } from "./resources/execution.ts";
import { Files } from "./resources/files.ts";
import { Keys } from "./resources/keys.ts";
import { Previews } from "./resources/previews.ts";
import { Processes, Services } from "./resources/processes.ts";
import { Sessions } from "./resources/sessions.ts";
import { Snapshots } from "./resources/snapshots.ts";
import { Terminals } from "./resources/terminals.ts";
import { Usage } from "./resources/usage.ts";
import { Webhooks } from "./resources/webhooks.ts";
import { SessionHandle } from "./session-handle.ts";
import { transportOf } from "./settings.ts";
import type { BuntimeOptions } from "./settings.ts";

export class Buntime {
  readonly sessions: Sessions;
  readonly execute: Execute<ExecuteInput, StreamInput>;
  readonly execution: Executions<OfSession>;
  readonly files: Files<OfSession>;
  readonly processes: Processes;
  readonly services: Services;
  readonly snapshots: Snapshots<OfSession>;
  readonly previews: Previews<OfSession>;
  readonly terminal: Terminals;
  readonly keys: Keys;
  readonly webhooks: Webhooks;
  readonly account: Account;
  readonly usage: Usage;
  readonly events: Events;

  /** @throws BuntimeError `invalid_request` for a base URL or a number that is none */
  constructor(options: BuntimeOptions = {}) {
    const transport = transportOf(options);
    this.terminal = new Terminals(transport, options.webSocket);
    this.sessions = new Sessions(
      transport,
      (session) => new SessionHandle(session, { transport, sessions: this.sessions, terminals: this.terminal }),
    );
    this.execute = executeOn(transport, null);
    this.execution = new Executions(transport, null);
    this.files = new Files(transport, null);
    this.processes = new Processes(transport);
    this.services = new Services(transport);
    this.snapshots = new Snapshots(transport, null);
    this.previews = new Previews(transport, null);
    this.keys = new Keys(transport);
    this.webhooks = new Webhooks(transport);
    this.account = new Account(transport);
    this.usage = new Usage(transport);
    this.events = new Events(transport);
  }
}
