// The door of a session's object: which part of it answers what comes through `fetch`, and who is let in. The history and
// whoever only looks are answered whatever the session's state is; everybody else wakes it, and is activity.
import { ok } from "../lib/result.ts";
import type { AsleepReads } from "./asleep/reads.ts";
import type { HistoryCommand } from "./history/command.ts";
import { HISTORY_PATH } from "./history/command.ts";
import type { History } from "./history/history.ts";
import type { KeyRights } from "./key-rights.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { PreviewAccess } from "./preview-access.ts";
import type { PreviewLimit } from "./preview-limit.ts";
import type { Running } from "./running.ts";
import { takeHeaders } from "./session-headers.ts";
import { ownProblem } from "./streams.ts";
import type { Streams } from "./streams.ts";

export interface DoorParts {
  readonly lifecycle: Lifecycle;
  readonly history: History;
  readonly running: Running;
  readonly asleep: AsleepReads;
  readonly previews: PreviewAccess;
  readonly previewLimit: PreviewLimit;
  readonly keys: KeyRights;
  readonly streams: Streams;
}

export class Door {
  readonly #parts: DoorParts;

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  async answer(request: Request): Promise<Response> {
    const { lifecycle, previews, previewLimit, asleep, keys, streams } = this.#parts;
    const { headers, accountId, key, port, tokens } = takeHeaders(request);
    const found = lifecycle.find(accountId);
    if (!found.ok) {
      return ownProblem(request, found.error);
    }
    const { record } = found.value;
    // First of all: a visitor who is refused neither wakes the session nor keeps it awake; and of a right that ends while
    // something is waited for here, that is known.
    const admission = port === null ? ok(keys.of(key)) : await previews.admit(Number(port), tokens);
    if (!admission.ok) {
      return ownProblem(request, admission.error);
    }
    const right = admission.value;
    const read = port === null ? await this.#look(record.id, request) : null;
    if (read !== null) {
      return streams.send(request, read, { ended: () => {}, right });
    }
    const refused = port === null ? null : await previewLimit.refuse(record.accountId);
    if (refused !== null) {
      return ownProblem(request, refused);
    }
    const session = await lifecycle.rouse(accountId);
    if (!session.ok) {
      return ownProblem(request, session.error);
    }
    asleep.forget();
    return streams.pass(session.value.record, request, headers, { port, right });
  }

  /** Null where the container is needed. */
  async #look(sessionId: string, request: Request): Promise<Response | null> {
    const { lifecycle, history, running } = this.#parts;
    if (new URL(request.url).pathname !== HISTORY_PATH) {
      return running.look(request);
    }
    const command = await request.json<HistoryCommand>();
    // Whoever has seen an execution end finds it, and what he adds comes after it.
    lifecycle.notes.flush();
    return history.answer(sessionId, command);
  }
}
