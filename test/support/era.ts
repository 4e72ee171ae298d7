// What the tests speak ERA's API with.
import { onTestFinished } from "vitest";
import { randomText } from "../../src/contract/ids.ts";
import type { Client, RequestOptions } from "../../scripts/client.ts";

export interface EraAnswer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- any JSON: what it must be is what the tests say
  readonly json: any;
}

/** An id for one test. The session is deleted when the test has ended. */
export function newEraId(client: Client): string {
  const id = `era-${randomText(12)}`;
  onTestFinished(async () => {
    await eraRequest(client, "DELETE", `/api/sessions/${id}`);
  });
  return id;
}

/** Any answer. `path` is relative to `/era`. */
export async function eraRequest(
  client: Client,
  method: string,
  path: string,
  { json, body, headers }: RequestOptions = {},
): Promise<Response> {
  const sent = json === undefined ? body : JSON.stringify(json);
  return await fetch(new URL(`/era${path}`, client.url), {
    method,
    headers: { authorization: `Bearer ${client.apiKey}`, "content-type": "application/json", ...headers },
    ...(sent === undefined ? {} : { body: sent, duplex: "half" }),
  });
}

/** An answer that is JSON, whatever its status. */
export async function era(
  client: Client,
  method: string,
  path: string,
  options: RequestOptions | { readonly json: unknown } = {},
): Promise<EraAnswer> {
  const response = await eraRequest(client, method, path, options);
  const text = await response.text();
  try {
    return { status: response.status, headers: response.headers, json: JSON.parse(text) };
  } catch {
    throw new Error(`${method} ${path} answered ${response.status} without JSON: ${text.slice(0, 500)}`);
  }
}
