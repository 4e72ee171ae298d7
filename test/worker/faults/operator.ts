// Ends objects and processes on behalf of a step. Not from within the step: an object that ends itself would take the
// question with it. What was ordered is done by the test, and who ordered it looks at the order until it is done.
import { env, runInDurableObject } from "cloudflare:test";

export type Kill = "lose session" | "lose repository" | "kill supervisor" | "kill container";

/** TERM: as before a host goes away. */
export type End = "end container";

/** Whom it happens to. */
export interface Target {
  readonly sessionId: string;
  readonly repositoryId: string;
}

export interface Order {
  readonly kill: Kill;
  readonly target: Target;
  done: boolean;
}

/** An object that is in the middle of being made answers nobody: it is ended when it is. */
const ORDER_MS = 1000;
const POLL_MS = 2;
const SIGKILL = 9;
const SIGTERM = 15;
/** What a fetch was before steps were watched. */
const realFetch = globalThis.fetch.bind(globalThis);

let orders: Order[] = [];
let underWay = 0;

export function order(kill: Kill, target: Target): Order {
  const placed = { kill, target, done: false };
  orders.push(placed);
  return placed;
}

/** Resolves when it is done, unless who asks has died of it. */
export async function awaitOrder(placed: Order): Promise<void> {
  for (let waitedMs = 0; !placed.done && waitedMs < ORDER_MS; waitedMs += POLL_MS) {
    await scheduler.wait(POLL_MS);
  }
}

/** Does what is ordered until `work` is over. */
export async function operate<T>(work: Promise<T>): Promise<T> {
  const state = { isOver: false };
  const over = (): void => {
    state.isOver = true;
  };
  work.then(over, over);
  while (!state.isOver) {
    for (const placed of orders.splice(0)) {
      underWay++;
      await carryOut(placed.kill, placed.target).finally(() => underWay--);
      placed.done = true;
    }
    await scheduler.wait(POLL_MS);
  }
  orders = [];
  return work;
}

/** Nothing of what was ordered happens later. */
export async function ordersCarriedOut(): Promise<void> {
  while (orders.length + underWay > 0) {
    await scheduler.wait(POLL_MS);
  }
}

/** Resolves when it is dead. From the test alone. */
export async function carryOut(kill: Kill | End, { sessionId, repositoryId }: Target): Promise<void> {
  const { ENGINE_URL, ENGINE_TOKEN, WARDEN_URL } = env as unknown as Record<string, string>;
  switch (kill) {
    case "lose session":
      return lose(env.SESSION.get(env.SESSION.idFromName(sessionId)));
    case "lose repository":
      return lose(env.REPOSITORY.get(env.REPOSITORY.idFromName(repositoryId)));
    case "kill supervisor":
      await (await realFetch(`${WARDEN_URL}/containers/${sessionId}/supervisor`, { method: "POST" })).body?.cancel();
      return;
    case "kill container":
    case "end container": {
      const answer = await realFetch(`${ENGINE_URL}/containers/${sessionId}/signal`, {
        method: "POST",
        headers: { authorization: `Bearer ${ENGINE_TOKEN}` },
        body: JSON.stringify({ signal: kill === "kill container" ? SIGKILL : SIGTERM }),
      });
      await answer.body?.cancel();
    }
  }
}

async function lose(stub: DurableObjectStub): Promise<void> {
  const loss = runInDurableObject(stub, (_object, state) => state.abort("lost")).catch(() => {});
  await Promise.race([loss, scheduler.wait(ORDER_MS)]);
}
