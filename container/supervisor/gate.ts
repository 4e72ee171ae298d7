// What the supervisor itself changes in the workspace passes here, moment by moment: the rename of a draft, a move, a
// start. A snapshot closes the gate while it looks, so that its tree is of one instant. Waits are short: bodies that
// arrive and programs that run are not inside. Work inside must not pass again, it would wait for itself.
import type { Problem } from "../../src/contract/errors.ts";
import { SupervisorError } from "./problem.ts";
import { WakeUp } from "./wake-up.ts";

/** Deleting a large tree is the longest thing inside. */
const CLEAR_MS = 10_000;

export class Gate {
  #inside = 0;
  #closings = 0;
  #refusal: Problem | null = null;
  readonly #change = new WakeUp();

  /** Runs `work` once the gate is open. @throws SupervisorError once it is sealed */
  async pass<T>(work: () => T | Promise<T>): Promise<T> {
    while (this.#closings > 0 && this.#refusal === null) await this.#change.next();
    if (this.#refusal !== null) throw new SupervisorError(this.#refusal.code, this.#refusal.message);
    this.#inside += 1;
    try {
      return await work();
    } finally {
      this.#inside -= 1;
      this.#change.notify();
    }
  }

  /** Resolves when nobody is inside any more. To be opened as often as it was closed, also where this has thrown. */
  async close(): Promise<void> {
    this.#closings += 1;
    const deadline = performance.now() + CLEAR_MS;
    while (this.#inside > 0) {
      if (performance.now() >= deadline) {
        throw new SupervisorError("conflict", "Files are being deleted or moved and it takes long; try again later");
      }
      await Promise.race([this.#change.next(), Bun.sleep(deadline - performance.now())]);
    }
  }

  open(): void {
    this.#closings -= 1;
    this.#change.notify();
  }

  /** For good: what comes now, or waits, is refused. */
  seal(refusal: Problem): void {
    this.#refusal = refusal;
    this.#change.notify();
  }
}
