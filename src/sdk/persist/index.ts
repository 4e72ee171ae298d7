// Stores for the sessions of sandbox-agent: `import { BuntimeSessionPersistDriver } from "buntime/persist"`.
export type {
  ListEventsRequest,
  ListPage,
  ListPageRequest,
  ProtocolJson,
  SessionEvent,
  SessionPersistDriver,
  SessionRecord,
} from "./driver.ts";
export { EventIdTaken, EventIndexTaken } from "./taken.ts";
export { InMemorySessionPersistDriver } from "./memory.ts";
export type { BoundedOptions } from "./bounded.ts";
export { IndexedDbSessionPersistDriver } from "./indexeddb.ts";
export type { IndexedDbOptions } from "./indexeddb.ts";
export { SQLiteSessionPersistDriver } from "./sqlite.ts";
export type { SqliteDatabase, SqliteStatement } from "./sqlite.ts";
export { PostgresSessionPersistDriver } from "./postgres.ts";
export type { PostgresOptions, PostgresPool } from "./postgres.ts";
export { RivetSessionPersistDriver } from "./rivet.ts";
export type { ActorContext, RivetOptions } from "./rivet.ts";
export { BuntimeSessionPersistDriver } from "./buntime.ts";
export type { BuntimePersistOptions } from "./buntime.ts";
