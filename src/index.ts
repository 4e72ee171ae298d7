// The Worker: its Durable Objects, its front door, its hourly sweep and its queue.
import { deliver } from "./account/delivery.ts";
import type { DeliveryMessage } from "./account/events-rpc.ts";
import { answer } from "./http/app.ts";
import type { Env } from "./env.ts";
import { sweep } from "./storage/sweep.ts";

export { Account } from "./account/object.ts";
export { Registry } from "./account/registry.ts";
export { Storage } from "./data/object.ts";
export { SqlDatabase } from "./data/sql-database.ts";
export { Session } from "./session/object.ts";
export { Repository } from "./storage/repository.ts";

export default {
  fetch: answer,
  scheduled: (_event, env) => sweep(env),
  queue: deliver,
} satisfies ExportedHandler<Env, DeliveryMessage>;
