// Every call by which a session or a repository reaches out of its object is a step: to the bucket, the directory, other
// objects, the engine, the supervisor, and its own storage; so is each answer of its history. While armed, steps are counted
// by name and a fault is put before or after one of them. The calls are the real ones; what is not the faulty one passes untouched.
import { env } from "cloudflare:test";
import { vi } from "vitest";
import { History } from "../../../src/session/history/history.ts";
import { SessionStore } from "../../../src/session/store.ts";
import { awaitOrder } from "./operator.ts";
import type { Order } from "./operator.ts";

export interface Step {
  readonly name: string;
  /** Of those with this name, from 1. */
  readonly nth: number;
}

/** `call` as it would go, and what it is about; the answer is what the caller gets. */
export type Interference = (call: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>;

export interface Trap {
  readonly step: Step;
  readonly interfere: Interference;
  /** In place of `interfere` where the step is a write, which waits for nothing. */
  readonly afterWrite: () => Order | null;
}

type Method = (...args: never[]) => unknown;
type Methods = Record<string, Method>;

const WRITES = ["save", "saveRun", "forgetRun", "saveFact", "erase"] as const;
/** Asked again and again, or held open: how often depends on the weather. */
const UNCOUNTED = /^(engine GET wait|supervisor GET \/(health|watch|stats))$/;

let armed = false;
let seen: Step[] = [];
let counts = new Map<string, number>();
let traps: Trap[] = [];
let sprung = 0;
/** What a write has set off: nothing gets out of an object before that has happened. */
let afterWrite: Order | null = null;
/** So many calls to the bucket fail before one works again. */
let bucketFailures = 0;
/** When objects were put, by the clock of the test. */
const ages = new Map<string, number>();

/** From here on steps are counted, and these faults happen. */
export function arm(faults: readonly Trap[]): void {
  armed = true;
  seen = [];
  counts = new Map();
  traps = [...faults];
  sprung = 0;
  afterWrite = null;
  bucketFailures = 0;
}

/** The next calls to the bucket fail while steps are watched. */
export function failBucket(calls: number): void {
  bucketFailures = calls;
}

/** The steps since `arm`, and how many of its faults have happened. */
export function disarm(): { readonly steps: readonly Step[]; readonly sprung: number } {
  armed = false;
  return { steps: seen, sprung };
}

function trapAt(name: string): Trap | undefined {
  if (!armed || UNCOUNTED.test(name)) {
    return undefined;
  }
  const nth = (counts.get(name) ?? 0) + 1;
  counts.set(name, nth);
  seen.push({ name, nth });
  const trap = traps.find(({ step }) => step.name === name && step.nth === nth);
  if (trap !== undefined) {
    sprung++;
  }
  return trap;
}

async function pass(name: string, args: readonly unknown[], call: () => Promise<unknown>): Promise<unknown> {
  if (afterWrite !== null) {
    await awaitOrder(afterWrite);
  }
  const trap = trapAt(name);
  if (armed && bucketFailures > 0 && name.startsWith("bucket ")) {
    bucketFailures--;
    throw new Error("the bucket is out of reach");
  }
  return trap === undefined ? call() : trap.interfere(call, args);
}

/** Once per test file, before anything runs. */
export function watchSteps(): void {
  const bucket = prototypeOf(env.SNAPSHOTS);
  for (const name of ["put", "get", "head", "delete"]) {
    replace(bucket, name, (real, args) => {
      if (name === "put") {
        ages.set(String(args[0]), Date.now());
      }
      return pass(`bucket ${name}`, args, () => real(...args) as Promise<unknown>);
    });
  }
  replace(bucket, "list", (real, args) =>
    pass("bucket list", args, async () => {
      const listed = (await real(...args)) as R2Objects;
      // Their age has to be by the same clock as everything else.
      const objects = listed.objects.map(({ key }) => ({ key, uploaded: new Date(ages.get(key) ?? 0) }));
      return { ...listed, objects };
    }),
  );
  const directory = prototypeOf(env.DIRECTORY);
  for (const name of ["put", "delete"]) {
    replace(directory, name, (real, args) => pass(`directory ${name}`, args, () => real(...args) as Promise<unknown>));
  }
  replace(prototypeOf(env.SESSION), "getByName", (real, args) => {
    // SAFETY: it is one.
    const stub = real(...args) as DurableObjectStub;
    const kind = armed ? kindOf(stub, String(args[0])) : null;
    return kind === null ? stub : watchedStub(stub, kind);
  });
  // SAFETY: methods of the class, by name.
  replace(History.prototype as unknown as Methods, "answer", (real, args) =>
    pass(`history ${String(Object(args[1]).op)}`, args, () => real(...args) as Promise<unknown>),
  );
  watchFetch();
  watchStorage();
}

function watchFetch(): void {
  const { ENGINE_URL, WARDEN_URL } = env as unknown as Record<string, string>;
  const real = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    const url = new URL(input instanceof Request ? input.url : String(input));
    const method = input instanceof Request ? input.method : (init?.method ?? "GET");
    const call = (): Promise<Response> => real(input, init);
    if (!armed || url.origin === WARDEN_URL) {
      return call();
    }
    const path = url.pathname.replace(/[0-9a-f]{64}/, ":pack").replace(/exe_\w+/, ":execution");
    const name =
      url.origin === ENGINE_URL
        ? `engine ${method} ${path.split("/")[3] ?? ""}`.trim()
        : `supervisor ${method} ${path}`;
    // SAFETY: an interference gives a response or throws.
    return pass(name, [input, init], call) as Promise<Response>;
  });
}

/** Writes are no promises: a fault begins right after one, and the next step of the object waits for it. */
function watchStorage(): void {
  // SAFETY: methods of the class, by name.
  const store = SessionStore.prototype as unknown as Methods;
  for (const name of WRITES) {
    replace(store, name, (real, args) => {
      const result = real(...args);
      const trap = trapAt(`write ${name}${nameOfWrite(args[0])}`);
      if (trap !== undefined) {
        afterWrite = trap.afterWrite();
      }
      return result;
    });
  }
}

function nameOfWrite(what: unknown): string {
  if (typeof what === "string") {
    return ` ${what}`;
  }
  if (typeof what === "object" && what !== null && "state" in what) {
    // SAFETY: a StoredSession.
    return ` ${(what.state as { phase: string }).phase}`;
  }
  return "";
}

function watchedStub(stub: DurableObjectStub, kind: string): DurableObjectStub {
  return new Proxy(stub, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof name !== "string" || typeof value !== "function" || name === "then" || name === "fetch") {
        return value;
      }
      return (...args: unknown[]) =>
        // Called on the stub: `apply` would be taken for a method of the object.
        // SAFETY: it is a function, as was just seen.
        pass(`${kind} ${name}`, args, async () => (target as unknown as Methods)[name]?.(...(args as never[])));
    },
  });
}

function kindOf(stub: DurableObjectStub, name: string): string | null {
  const id = stub.id.toString();
  if (id === env.REPOSITORY.idFromName(name).toString()) {
    return "repository";
  }
  return id === env.ACCOUNT.idFromName(name).toString() ? "account" : null;
}

function prototypeOf(object: object): Methods {
  // SAFETY: a prototype of methods.
  return Object.getPrototypeOf(object) as Methods;
}

function replace(
  owner: Methods,
  name: string,
  by: (real: (...args: readonly unknown[]) => unknown, args: readonly unknown[]) => unknown,
): void {
  const original = owner[name];
  if (original === undefined) {
    throw new Error(`there is no ${name} to watch`);
  }
  vi.spyOn(owner, name).mockImplementation(function (this: unknown, ...args: never[]) {
    return by((...given) => original.apply(this, given as never[]), args);
  });
}
