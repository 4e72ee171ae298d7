// Long work in short turns, so that other requests are answered in between.
const TURN_MS = 4;

export class Pace {
  #turnEnds = performance.now() + TURN_MS;

  /** Cheap enough to be asked for every entry. */
  isDue(): boolean {
    return performance.now() >= this.#turnEnds;
  }

  async rest(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#turnEnds = performance.now() + TURN_MS;
  }
}
