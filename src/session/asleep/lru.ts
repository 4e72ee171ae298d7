// Keeps what was used last, up to a weight. Pure.

export class Lru<Value> {
  readonly #limit: number;
  /** Used last comes last. */
  readonly #entries = new Map<string, { readonly value: Value; readonly weight: number }>();
  #weight = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    return entry?.value;
  }

  /** What is heavier than all of the room is not kept. */
  set(key: string, value: Value, weight: number): void {
    this.#delete(key);
    if (weight > this.#limit) {
      return;
    }
    this.#entries.set(key, { value, weight });
    this.#weight += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= this.#limit) {
        break;
      }
      this.#delete(oldest);
    }
  }

  get weight(): number {
    return this.#weight;
  }

  #delete(key: string): void {
    this.#weight -= this.#entries.get(key)?.weight ?? 0;
    this.#entries.delete(key);
  }
}
