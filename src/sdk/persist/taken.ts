// Two events of a session that cannot both be in its history.

/** Its index belongs to another event: two clients wrote at the same time. */
export class EventIndexTaken extends Error {
  override readonly name = "EventIndexTaken";

  constructor(sessionId: string, eventIndex: number, cause?: unknown) {
    // The first words are SQLite's, whatever the store: by them sandbox-agent's client knows that it is to take another index.
    super(
      `UNIQUE constraint failed: agent_events.session_id, agent_events.event_index: ${eventIndex} of ${sessionId} is taken.`,
      { cause },
    );
  }
}

/** Its id belongs to an event that says something else. */
export class EventIdTaken extends Error {
  override readonly name = "EventIdTaken";

  constructor(sessionId: string, id: string, cause?: unknown) {
    super(`The session ${sessionId} has another event by the id ${id}.`, { cause });
  }
}
