// The SDK on the platform of this run.
import { beforeAll, onTestFinished } from "vitest";
import { Buntime } from "../../src/sdk/index.ts";
import type { BuntimeOptions, CreateSession, SessionHandle } from "../../src/sdk/index.ts";
import { platformOfRun } from "./e2e.ts";

/** Short waits between tries, so that a test that breaks connections ends soon. */
export function sdkOfRun(options: BuntimeOptions = {}): Buntime {
  const { url, apiKey } = platformOfRun();
  return new Buntime({ apiKey, baseUrl: `${url.origin}/api`, retryDelay: 20, ...options });
}

/** A session for this test alone. */
export async function ownSession(client: Buntime, input: CreateSession = {}): Promise<SessionHandle> {
  const session = await client.sessions.create(input);
  onTestFinished(() => session[Symbol.asyncDispose]());
  return session;
}

/** A session for all tests of a file that leave it as it is. Called there; read in the tests. */
export function commonSession(client: Buntime): { readonly sessionId: string } {
  const common = { sessionId: "" };
  beforeAll(async () => {
    const session = await client.sessions.create();
    common.sessionId = session.id;
    return () => session[Symbol.asyncDispose]();
  });
  return common;
}
