// A driver that runs elsewhere, in another process or in a browser's page: calls go there as text and so do their ends.
import type { SessionPersistDriver } from "../../src/sdk/persist/driver.ts";

type Method = keyof SessionPersistDriver;

interface Call {
  readonly method: Method;
  readonly args: readonly unknown[];
}

type End = { readonly value: unknown } | { readonly failed: { readonly name: string; readonly message: string } };

/** `send` resolves with what `answerTo` made there of the text that it was given. */
export function remoteDriver(send: (text: string) => Promise<string>): SessionPersistDriver {
  const call =
    (method: Method) =>
    async (...args: unknown[]) => {
      const end = decode(await send(encode({ method, args } satisfies Call))) as End;
      if ("failed" in end) throw failure(end.failed);
      return end.value as never;
    };
  return {
    getSession: call("getSession"),
    listSessions: call("listSessions"),
    updateSession: call("updateSession"),
    listEvents: call("listEvents"),
    insertEvent: call("insertEvent"),
  };
}

/** Where the driver is. */
export async function answerTo(driver: SessionPersistDriver, text: string): Promise<string> {
  const { method, args } = decode(text) as Call;
  try {
    // SAFETY: the caller's types are the driver's own.
    const value = await (driver[method] as (...args: unknown[]) => Promise<unknown>).apply(driver, [...args]);
    return encode({ value } satisfies End);
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return encode({ failed: { name, message } } satisfies End);
  }
}

function failure({ name, message }: { readonly name: string; readonly message: string }): Error {
  const kinds: Readonly<Record<string, ErrorConstructor>> = { RangeError, TypeError };
  return Object.assign(new (kinds[name] ?? Error)(message), { name });
}

/** Values that JSON does not have are asked about, too; by their names, which nothing else is called. */
const MISSING = [undefined, NaN, Infinity];
const nameOf = (value: unknown): string => `missing in JSON: ${String(value)}`;

function encode(value: unknown): string {
  const isMissing = (each: unknown): boolean => MISSING.some((missing) => Object.is(each, missing));
  return JSON.stringify(value, (_, each: unknown) => (isMissing(each) ? nameOf(each) : each));
}

const decode = (text: string): unknown => restored(JSON.parse(text));

// Member by member: a reviver of JSON.parse leaves out what is undefined.
function restored(value: unknown): unknown {
  if (typeof value === "string") {
    const at = MISSING.findIndex((missing) => nameOf(missing) === value);
    return at === -1 ? value : MISSING[at];
  }
  if (Array.isArray(value)) return value.map(restored);
  if (typeof value !== "object" || value === null) return value;
  for (const [key, each] of Object.entries(value)) {
    Object.defineProperty(value, key, { value: restored(each), enumerable: true, writable: true, configurable: true });
  }
  return value;
}
