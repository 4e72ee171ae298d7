// A session's history as its object answers for it, whatever the session's state is: nothing here touches the container, or
// counts as activity.
import { problemResponse } from "../../contract/errors.ts";
import type { Appended, HistoryCleared, Replay } from "../../contract/history.ts";
import { HISTORY } from "../../contract/limits.ts";
import { Followers } from "../../lib/followers.ts";
import { ProblemError } from "../../lib/problem-error.ts";
import type { AppendedEvent, FollowRequest, HistoryCommand, ReplayRequest } from "./command.ts";
import { followed } from "./follow.ts";
import { HistoryLog } from "./log.ts";
import { eventPage, threadPage } from "./pages.ts";
import { replayOf } from "./replay.ts";
import { eventJson, keyOf, threadJson } from "./rows.ts";

export class History {
  readonly #log: HistoryLog;
  readonly #isThere: () => boolean;
  readonly #followers = new Followers({ most: HISTORY.streams });

  /** `isThere`: the session is, and its tables with it. */
  constructor(
    storage: DurableObjectStorage,
    { maxBytes, isThere }: { readonly maxBytes: number; readonly isThere: () => boolean },
  ) {
    this.#log = new HistoryLog(storage, { maxBytes });
    this.#isThere = isThere;
  }

  /** For a session that is there. */
  async answer(sessionId: string, command: HistoryCommand): Promise<Response> {
    try {
      return await this.#answer(sessionId, command);
    } catch (error) {
      if (error instanceof ProblemError) {
        return problemResponse(error.problem);
      }
      if (!this.#isThere()) {
        return problemResponse({ code: "session_not_found", message: "The session was deleted meanwhile." });
      }
      throw error;
    }
  }

  /** @throws ProblemError `conflict`, `disk_full`; then nothing is written */
  append(threadId: string, events: readonly AppendedEvent[]): Appended {
    const items = this.#log.append(threadId, events, Date.now());
    this.#followers.wake();
    return { items };
  }

  /** The session is gone: those who follow it are told. */
  end(): void {
    this.#followers.wake();
  }

  async #answer(sessionId: string, command: HistoryCommand): Promise<Response> {
    const log = this.#log;
    switch (command.op) {
      case "append":
        return jsonAnswer(JSON.stringify(this.append(command.thread ?? sessionId, command.events)), 201);
      case "list":
        return jsonAnswer(eventPage(log, command.thread ?? sessionId, command));
      case "get":
        return jsonAnswer(this.#event(command.eventId));
      case "clear": {
        const cleared: HistoryCleared = { deleted: await log.clear(command.thread ?? sessionId, command.types) };
        return jsonAnswer(JSON.stringify(cleared));
      }
      case "follow":
        return await this.#follow(command.thread ?? sessionId, command);
      case "replay":
        return jsonAnswer(JSON.stringify(this.#replay(command.thread ?? sessionId, command)));
      case "list threads":
        return jsonAnswer(threadPage(log, command.cursor, command.limit));
      case "get thread":
        return jsonAnswer(this.#thread(command.threadId));
      case "put thread":
        log.putThread(command.threadId, command, Date.now());
        return jsonAnswer(this.#thread(command.threadId));
      case "delete thread":
        break;
    }
    await this.#removeThread(command.threadId, sessionId);
    return jsonAnswer(JSON.stringify({ deleted: true, threadId: command.threadId }));
  }

  #event(id: string): string {
    const row = this.#log.get(id);
    if (row === null) {
      throw new ProblemError(
        "event_not_found",
        `There is no event ${id} in this session's history. It may have been deleted.`,
      );
    }
    return eventJson(row, this.#log.threads.idOf(keyOf(row.seq)));
  }

  #replay(threadId: string, { types, senders, ...most }: ReplayRequest): Replay {
    const thread = this.#log.threads.find(threadId);
    const newest = { after: 0, cursor: null, order: "desc", limit: most.maxEvents, q: null } as const;
    const request = { ...newest, types, senders, withoutSystem: senders === null };
    return replayOf(this.#log.read(thread === null ? [] : this.#log.pick(thread, request)), most);
  }

  #thread(id: string): string {
    const row = this.#log.threads.find(id);
    if (row === null) {
      throw unknownThread(id);
    }
    return threadJson(row, this.#log.threads.record(row.key));
  }

  async #removeThread(threadId: string, sessionId: string): Promise<void> {
    if (threadId === sessionId) {
      throw new ProblemError(
        "conflict",
        "The session's own thread lives as long as the session. Delete its events instead.",
      );
    }
    if (!(await this.#log.removeThread(threadId))) {
      throw unknownThread(threadId);
    }
    this.#followers.wake();
  }

  async #follow(threadId: string, request: FollowRequest): Promise<Response> {
    if (!(await this.#followers.hasPlace())) {
      throw new ProblemError(
        "rate_limit_exceeded",
        `This session's history is followed by ${HISTORY.streams} streams already, which is the most. Close one.`,
        { streamsMax: HISTORY.streams },
      );
    }
    const stream = this.#followers.open({
      ...followed(this.#log, threadId, request, this.#isThere),
      endAt: Date.now() + HISTORY.streamMs,
    });
    return new Response(stream, {
      headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
    });
  }
}

function jsonAnswer(json: string, status = 200): Response {
  const bytes = new TextEncoder().encode(json);
  const headers = { "content-type": "application/json", "content-length": String(bytes.length) };
  return new Response(bytes, { status, headers });
}

function unknownThread(id: string): ProblemError {
  return new ProblemError("thread_not_found", `There is no thread ${id} in this session. Put a record to create it.`);
}
