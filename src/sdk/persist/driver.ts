// What sandbox-agent asks of a store for its sessions, in types of our own: they fit those of its package, which is not
// needed for them.

/**
 * JSON of the agent's protocol, in whichever version the client speaks. Typed as what JSON.parse returns, or it would fit
 * one version of the client's types and no other.
 */
export type ProtocolJson = ReturnType<typeof JSON.parse>;

/** A conversation with an agent. */
export interface SessionRecord {
  id: string;
  agent: string;
  /** What the agent calls it; another one after each restoration. */
  agentSessionId: string;
  lastConnectionId: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
  destroyedAt?: number;
  sandboxId?: string;
  sessionInit?: ProtocolJson;
  configOptions?: ProtocolJson;
  modes?: ProtocolJson;
}

/** A message of the protocol, in one of the two directions. */
export interface SessionEvent {
  id: string;
  /** From 1 on; one event of a session has it. */
  eventIndex: number;
  sessionId: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
  connectionId: string;
  sender: "client" | "agent";
  payload: ProtocolJson;
}

export interface ListPageRequest {
  /** `nextCursor` of the page before. It is what a driver makes of it; none reads another's. */
  cursor?: string | undefined;
  /** At least 1; more than 1000 are not given at once. Default: 100. */
  limit?: number | undefined;
}

export interface ListEventsRequest extends ListPageRequest {
  sessionId: string;
}

export interface ListPage<T> {
  items: T[];
  /** Absent on the last page. A page before it may hold less than the limit. */
  nextCursor?: string;
}

/** Every driver keeps these promises. */
export interface SessionPersistDriver {
  /** Undefined when there is none. */
  getSession(id: string): Promise<SessionRecord | undefined>;
  /** By `createdAt`, then `id`, ascending. @throws RangeError for a cursor or a limit that is none */
  listSessions(request?: ListPageRequest): Promise<ListPage<SessionRecord>>;
  /** Creates it or replaces the whole of it. */
  updateSession(session: SessionRecord): Promise<void>;
  /** By `eventIndex` ascending; none for a session that is not there. @throws RangeError as listSessions does */
  listEvents(request: ListEventsRequest): Promise<ListPage<SessionEvent>>;
  /**
   * Appends an event; the session's record may come later. Where another event has its index it gets the one after the
   * last: of two clients that write at the same time neither reads back where its events are, and each gives up after
   * three refusals. The same event again changes nothing, wherever it is.
   * @throws EventIdTaken when the session has another event by its id
   */
  insertEvent(sessionId: string, event: SessionEvent): Promise<void>;
}
