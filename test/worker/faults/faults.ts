// What can go wrong at a step, and which of it makes sense where. A fault is one of these, before or after one step.
import { env } from "cloudflare:test";
import { awaitOrder, order } from "./operator.ts";
import type { Kill, Order, Target } from "./operator.ts";
import { failBucket } from "./steps.ts";
import type { Interference, Step, Trap } from "./steps.ts";
import { shortenBounds } from "./time.ts";

type Action =
  /** The call fails, or its answer is lost. */
  | "fail"
  /** It fails, and so do the next calls to the bucket, whoever makes them. */
  | "outage"
  /** It takes long. */
  | "slow"
  /** It never answers. */
  | "hang"
  /** What is read never ends. */
  | "stall"
  /** The bytes that are read or put end too early. */
  | "short"
  /** One bit of what is read is another. */
  | "corrupt"
  | Kill;

export interface Fault {
  readonly step: Step;
  readonly when: "before" | "after";
  readonly action: Action;
}

const SLOW_MS = 400;
const OUTAGE_CALLS = 4;
const KILLS: readonly Kill[] = ["lose session", "lose repository", "kill supervisor", "kill container"];

/** Every fault that makes sense at a step. */
export function faultsAt(step: Step): Fault[] {
  const { name } = step;
  const isWrite = name.startsWith("write ");
  const faults: Fault[] = KILLS.map((action) => ({ step, when: "after", action }));
  if (isWrite) {
    return faults;
  }
  faults.push({ step, when: "before", action: "fail" }, { step, when: "after", action: "fail" });
  faults.push(...KILLS.map((action): Fault => ({ step, when: "before", action })));
  if (name.startsWith("bucket ")) {
    faults.push({ step, when: "before", action: "slow" }, { step, when: "before", action: "outage" });
    faults.push({ step, when: "before", action: "hang" }, { step, when: "after", action: "hang" });
  }
  if (name === "bucket get" || name === "bucket put") {
    faults.push({ step, when: "before", action: "short" });
  }
  if (name === "bucket get") {
    faults.push({ step, when: "before", action: "corrupt" }, { step, when: "before", action: "stall" });
  }
  return faults;
}

export function describeFault({ step, when, action }: Fault): string {
  return `${action} ${when} ${step.name} #${step.nth}`;
}

/** Whether unsaved work may be gone after it: the disk goes with the container. */
export function losesContainer({ action }: Fault): boolean {
  return action === "kill container";
}

export function trapOf({ step, when, action }: Fault, target: Target): Trap {
  const afterWrite = (): Order | null => (isKill(action) ? order(action, target) : null);
  return { step, interfere: interference(when, action, target), afterWrite };
}

function interference(when: Fault["when"], action: Action, target: Target): Interference {
  const failed = (): Error => new Error("a fault was injected");
  switch (action) {
    case "fail":
      return async (call) => {
        if (when === "after") {
          const answer = await call();
          await (answer instanceof Response ? answer.body?.cancel() : undefined);
        }
        throw failed();
      };
    case "outage":
      return async () => {
        failBucket(OUTAGE_CALLS);
        throw failed();
      };
    case "slow":
      return async (call) => {
        await scheduler.wait(SLOW_MS);
        return call();
      };
    case "hang":
      return async (call) => {
        shortenBounds();
        if (when === "after") {
          await call();
        }
        return new Promise(() => {});
      };
    case "stall":
      return async (call) => {
        shortenBounds();
        return endless(await call());
      };
    case "short":
      return async (call, args) => (args.length > 1 && isBody(args[1]) ? putShort(args) : changed(await call(), cut));
    case "corrupt":
      return async (call) => changed(await call(), turn);
    case "lose session":
    case "lose repository":
    case "kill supervisor":
    case "kill container":
      break;
  }
  return async (call) => {
    if (when === "before") {
      await awaitOrder(order(action, target));
      return call();
    }
    const answer = await call();
    await awaitOrder(order(action, target));
    return answer;
  };
}

function isKill(action: Action): action is Kill {
  return (KILLS as readonly Action[]).includes(action);
}

function isBody(value: unknown): value is ReadableStream | ArrayBufferView {
  return value instanceof ReadableStream || ArrayBuffer.isView(value);
}

/** The first half arrives; R2 refuses it for its digest. */
async function putShort([key, body, options]: readonly unknown[]): Promise<unknown> {
  const bytes = new Uint8Array(await new Response(body as BodyInit).arrayBuffer());
  return env.SNAPSHOTS.put(String(key), cut(bytes), options as R2PutOptions);
}

const cut = (bytes: Uint8Array): Uint8Array => bytes.slice(0, bytes.length / 2);

function turn(bytes: Uint8Array): Uint8Array {
  const at = Math.floor(bytes.length / 3);
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  return bytes;
}

/** An object of the bucket with other bytes. */
async function changed(answer: unknown, change: (bytes: Uint8Array) => Uint8Array): Promise<unknown> {
  if (!isFound(answer)) {
    return answer;
  }
  const bytes = change(new Uint8Array(await answer.arrayBuffer()));
  return withBody(answer, new Response(bytes as Uint8Array<ArrayBuffer>));
}

/** An object of the bucket whose second half never comes. */
async function endless(answer: unknown): Promise<unknown> {
  if (!isFound(answer)) {
    return answer;
  }
  const half = cut(new Uint8Array(await answer.arrayBuffer()));
  const { readable, writable } = new FixedLengthStream(answer.size);
  const writer = writable.getWriter();
  // Whoever has waited long enough no longer takes them.
  writer.write(half).catch(() => {});
  return withBody(answer, new Response(readable));
}

function isFound(answer: unknown): answer is R2ObjectBody {
  return typeof answer === "object" && answer !== null && "arrayBuffer" in answer;
}

function withBody({ key, size }: R2ObjectBody, response: Response): unknown {
  return { key, size, body: response.body, arrayBuffer: () => response.arrayBuffer() };
}
