// A change that several wait for: each wait ends with the next change, and whoever waited looks again.

export class WakeUp {
  #waiters: (() => void)[] = [];

  /** Resolves with the next change. */
  next(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push(resolve);
    return promise;
  }

  notify(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}
