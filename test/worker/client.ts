// How the worker suite asks the Worker: through its front door, as a client would.
import { env, runInDurableObject, SELF } from "cloudflare:test";
import { expect } from "vitest";
import type { ErrorCode } from "../../src/contract/errors.ts";
import { ERRORS } from "../../src/contract/errors.ts";
import { previewLabel } from "../../src/contract/ids.ts";
import { Session } from "../../src/contract/session.ts";

export const KEY = "btk_worker_tests_only";
const ORIGIN = "http://localhost:8787";

export interface Ask {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks the API with the operator's key; a `body` that is no stream, text or bytes is sent as JSON. */
export function ask(method: string, path: string, { body, headers = {} }: Ask = {}): Promise<Response> {
  const raw = typeof body === "string" || body instanceof Uint8Array || body instanceof ReadableStream;
  return SELF.fetch(`${ORIGIN}/api${path}`, {
    method,
    headers: { authorization: `Bearer ${KEY}`, ...headers },
    body: body === undefined ? null : raw ? body : JSON.stringify(body),
  });
}

/** Any page of the platform, without a key. */
export function visit(url: string, init: RequestInit = {}): Promise<Response> {
  return SELF.fetch(url, { redirect: "manual", ...init });
}

export async function createSession(body: unknown = {}): Promise<Session> {
  const response = await ask("POST", "/sessions", { body });
  expect(response.status).toBe(201);
  return Session.parse(await response.json());
}

export interface Answer {
  readonly executionId: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly background: boolean;
}

export async function execute(body: unknown): Promise<Answer> {
  const response = await ask("POST", "/execute", { body });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  // SAFETY: what it holds is checked by the test that reads it.
  return JSON.parse(text) as Answer;
}

export function previewUrl(sessionId: string, path = "/", port?: number): string {
  return `http://${previewLabel(sessionId, port)}.localhost:8787${path}`;
}

/** Checks that an answer is this error, whole and with its request's id, and gives its details. */
export async function expectProblem(response: Response, code: ErrorCode): Promise<Record<string, unknown>> {
  const text = await response.text();
  expect(text).toContain(`"code":"${code}"`);
  expect(response.status).toBe(ERRORS[code].status);
  const { error } = JSON.parse(text) as {
    error: { message: string; details: Record<string, unknown>; requestId: string };
  };
  expect(error.message).not.toBe("");
  expect(error.requestId).toBe(response.headers.get("x-request-id"));
  return error.details;
}

/** Asks the embedded engine itself about a container. */
export async function engine(method: string, path: string, body?: unknown): Promise<unknown> {
  const { ENGINE_URL, ENGINE_TOKEN } = env as unknown as Record<string, string>;
  const response = await fetch(`${ENGINE_URL}${path}`, {
    method,
    headers: { authorization: `Bearer ${ENGINE_TOKEN}`, "content-type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return response.json();
}

/** Ends a Durable Object's instance as a crash of its machine would: only what it stored is left. */
export async function loseObject(stub: DurableObjectStub): Promise<void> {
  const lost = runInDurableObject(stub, (_object, state) => state.abort("lost"));
  await expect(lost).rejects.toThrow("lost");
}

/** Waits for something to become true by asking again, never by guessing how long it takes. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new Error(`not within 10 s: ${what}`);
    }
    await scheduler.wait(20);
  }
}
