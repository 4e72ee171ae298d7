// The Worker: its Durable Objects and its front door.
import { answer } from "./http/app.ts";
import type { Env } from "./env.ts";

export { Account } from "./account/object.ts";
export { Session } from "./session/object.ts";

export default { fetch: answer } satisfies ExportedHandler<Env>;
