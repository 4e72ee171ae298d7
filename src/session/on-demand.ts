// Sleep and wake when a client asks for them, without waiting for the clock. Nothing is lost by either: the container goes
// only once its files are stored and were read back, as at any other sleep.
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import type { Activity } from "./activity.ts";
import type { Effects } from "./effects.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { SessionRecord } from "./record.ts";
import type { Runtime } from "./runtime.ts";
import { visibleState } from "./state.ts";
import type { SessionState } from "./state.ts";

interface OnDemandParts {
  readonly lifecycle: Lifecycle;
  readonly effects: Effects;
  readonly runtime: Runtime;
  readonly activity: Activity;
}

/** An alarm that comes meanwhile begins the sleep anew, and then what was begun here says nothing about it. */
const SLEEP_ATTEMPTS = 3;

export class OnDemand {
  readonly #parts: OnDemandParts;

  constructor(parts: OnDemandParts) {
    this.#parts = parts;
  }

  /** Resolves when it sleeps. Calls that come meanwhile wait, and wake it again. */
  sleep(accountId: string): Promise<Result<SessionRecord>> {
    const { lifecycle, effects, runtime } = this.#parts;
    return lifecycle.exclusively(async () => {
      const session = lifecycle.find(accountId);
      if (!session.ok) {
        return session;
      }
      const { record, state } = session.value;
      if (isAsleep(state)) {
        return ok(record);
      }
      // What runs in the background is frozen, as at any sleep; what somebody waits for is ended, so that he has an answer.
      const frozen = runtime.state === "stopped" ? null : await effects.standStill(record).catch(() => null);
      const ended = frozen?.frozen === true ? ok(null) : await effects.endAll(record);
      if (!ended.ok) {
        return ended;
      }
      let attempt = 0;
      do {
        await lifecycle.apply({ type: "sleep" });
      } while (++attempt < SLEEP_ATTEMPTS && wasBegunAnew(lifecycle.state));
      const slept = lifecycle.find(accountId);
      if (!slept.ok || isAsleep(slept.value.state)) {
        return slept.ok ? ok(slept.value.record) : slept;
      }
      return fail(
        "storage_unavailable",
        "The session's files could not be saved, so it does not sleep yet. It goes on trying; ask again.",
      );
    });
  }

  /** Resolves when its container is up, its files are back and its services were started. */
  async wake(accountId: string): Promise<Result<SessionRecord>> {
    const { lifecycle, runtime, activity } = this.#parts;
    const session = await lifecycle.rouse(accountId);
    if (!session.ok) {
      return session;
    }
    const end = activity.begin();
    try {
      const run = await runtime.ready(session.value.record.resourceLimits);
      const woken = run.ok ? lifecycle.find(accountId) : run;
      return woken.ok ? ok(woken.value.record) : woken;
    } finally {
      end();
    }
  }
}

/** By an alarm. One that failed is as it was begun here. */
function wasBegunAnew(state: SessionState): boolean {
  return state.phase === "falling-asleep" && state.attempts > 1;
}

function isAsleep(state: SessionState): boolean {
  return visibleState(state) === "deep-sleep";
}
