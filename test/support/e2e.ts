// What every end-to-end test begins with: the platform of this run, a session that is deleted afterwards, and an error
// answer taken apart.
import { beforeAll, onTestFinished } from "vitest";
import * as z from "zod";
import type { CreateSession, Session } from "../../src/contract/session.ts";
import { Client } from "../../scripts/client.ts";
import type { RequestOptions } from "../../scripts/client.ts";

export { Client } from "../../scripts/client.ts";

/** Real containers instead of the embedded engine. */
export const ON_DOCKER = process.env["BUNTIME_E2E"] === "docker";

/** The platform that the global setup started. */
export function platformOfRun(): Client {
  const { BUNTIME_E2E_URL: url, BUNTIME_E2E_KEY: apiKey, BUNTIME_E2E_DOMAIN: domain } = process.env;
  if (url === undefined || apiKey === undefined || domain === undefined) {
    throw new Error("no platform: BUNTIME_E2E_URL, BUNTIME_E2E_KEY and BUNTIME_E2E_DOMAIN come from the global setup");
  }
  return new Client({ url, apiKey, domain });
}

/** A session for this test alone. */
export async function newSession(client: Client, body: z.input<typeof CreateSession> = {}): Promise<Session> {
  const session = await client.createSession(body);
  onTestFinished(async () => {
    await client.request("DELETE", `/sessions/${session.id}`);
  });
  return session;
}

/** A session for all tests of a file or of a `describe` that leave it as it is. Called there; read in the tests. */
export function sharedSession(client: Client, body: z.input<typeof CreateSession> = {}): { readonly id: string } {
  const shared = { id: "" };
  beforeAll(async () => {
    shared.id = (await client.createSession(body)).id;
    return async () => void (await client.request("DELETE", `/sessions/${shared.id}`));
  });
  return shared;
}

const ErrorBody = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string().min(1),
    details: z.record(z.string(), z.unknown()),
    requestId: z.string().min(1),
  }),
});

/** An error answer in the shape that all of them have, with its status. @throws when it is anything else */
export async function problem(
  client: Client,
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<{ status: number; code: string; message: string; details: Record<string, unknown> }> {
  return await problemOf(await client.request(method, path, options));
}

export async function problemOf(
  response: Response,
): Promise<{ status: number; code: string; message: string; details: Record<string, unknown> }> {
  const text = await response.text();
  if (response.status < 400) throw new Error(`expected an error, got ${response.status}: ${text.slice(0, 500)}`);
  const { error } = ErrorBody.parse(JSON.parse(text));
  return { status: response.status, code: error.code, message: error.message, details: error.details };
}

/**
 * How an upload was refused. Undefined when no answer came: a server may answer before it was sent all, and hang up on
 * who goes on sending.
 */
export async function refusal(upload: Promise<Response>): Promise<Awaited<ReturnType<typeof problemOf>> | undefined> {
  try {
    return await problemOf(await upload);
  } catch (error) {
    // What fetch throws when the connection ended.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
