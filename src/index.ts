// The Worker: its Durable Objects, its front door and its hourly sweep.
import { answer } from "./http/app.ts";
import type { Env } from "./env.ts";
import { sweep } from "./storage/sweep.ts";

export { Account } from "./account/object.ts";
export { Session } from "./session/object.ts";
export { Repository } from "./storage/repository.ts";

export default { fetch: answer, scheduled: (_event, env) => sweep(env) } satisfies ExportedHandler<Env>;
