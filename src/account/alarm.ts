// The one alarm of an account's object, which all of its parts share: each says when it has something to do, and all of
// them are asked when the alarm rings.

export class AccountAlarm {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Rings then, or before. */
  async by(at: number): Promise<void> {
    const current = await this.#storage.getAlarm();
    if (current === null || current > at) {
      await this.#storage.setAlarm(at);
    }
  }
}
