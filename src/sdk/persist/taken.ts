// Why an event got no place in a session.

/**
 * It was given no index, neither its own nor another one. The drivers from here give it another, and throw this only where
 * the store itself kept it out; for one that cannot give another it is the way to have the client try the next.
 */
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
    super(`The session ${sessionId} did not get the event ${id}: there is another one by this id.`, { cause });
  }
}
