// The snapshot under way, one at a time, as the session drives it: begin, perhaps put the base's manifest, fetch objects
// until none is left, commit. A new one ends the one before it.
import type { Digest } from "../../../src/contract/manifest.ts";
import type { SnapshotBegun, SnapshotCommand } from "../../../src/contract/supervisor.ts";
import { SupervisorError } from "../problem.ts";
import type { SpareMemory } from "../spare-memory.ts";
import type { Contents } from "./contents.ts";
import type { Saved, SnapshotIndex } from "./index.ts";
import type { SnapshotObject } from "./objects.ts";
import { readManifest } from "./restore-manifest.ts";
import { Save, type SaveOptions } from "./save.ts";

export class Snapshots {
  readonly #options: SaveOptions & { readonly memory: SpareMemory };
  readonly #index: SnapshotIndex;
  /** Its base has yet to come. */
  #awaited: (SnapshotCommand & { readonly base: Digest }) | null = null;
  #save: Save | null = null;

  constructor(options: SaveOptions & { readonly index: SnapshotIndex; readonly memory: SpareMemory }) {
    this.#options = options;
    this.#index = options.index;
  }

  begin(command: SnapshotCommand): SnapshotBegun {
    this.end();
    const { base, avoid } = command;
    const { saved } = this.#index;
    if (base !== null && saved?.digest !== base) {
      this.#awaited = { ...command, base };
      return { needsBase: true };
    }
    this.#start(base === null ? null : saved, avoid);
    return { needsBase: false };
  }

  /** @throws SupervisorError `conflict` when none was asked for, when it is damaged, or is another's */
  async putBase(bundle: Uint8Array): Promise<SnapshotBegun> {
    const command = this.#awaited;
    if (command === null) throw new SupervisorError("conflict", "No manifest was asked for; begin a snapshot first");
    const manifest = await readManifest(bundle);
    if (manifest.digest !== command.base) {
      throw new SupervisorError("conflict", `The manifest is not that of ${command.base}, which was asked for`);
    }
    if (this.#awaited !== command) throw new SupervisorError("conflict", "Another snapshot was begun meanwhile");
    this.#awaited = null;
    const saved = { ...manifest, tree: null };
    this.#index.set(saved);
    this.#start(saved, command.avoid);
    return { needsBase: false };
  }

  /** Tells what the snapshot under way has read and stored so far, also when it is over. */
  get counted(): () => Contents["counted"] {
    const save = this.#current();
    return () => save.counted;
  }

  /** Null: everything was fetched. */
  async next(): Promise<SnapshotObject | null> {
    return this.#current().objects.take();
  }

  /** Twice is once. @throws SupervisorError `conflict` when it is another's, or not fetched yet */
  commit(root: Digest): void {
    if (this.#save === null && this.#index.saved?.digest === root) return;
    const save = this.#current();
    const { result } = save;
    if (result?.digest !== root) {
      throw new SupervisorError(
        "conflict",
        `${root} is not the root of the snapshot under way, or was not fetched yet`,
      );
    }
    save.commit();
    this.#index.set(result);
    this.end();
  }

  /** Fine when there is none. */
  end(): void {
    this.#awaited = null;
    if (this.#save === null) return;
    this.#save.abort(new SupervisorError("conflict", "The snapshot was ended"));
    this.#save = null;
    this.#options.memory.giveBackLater();
  }

  #current(): Save {
    if (this.#save === null) throw new SupervisorError("conflict", "There is no snapshot under way; begin one first");
    return this.#save;
  }

  #start(base: Saved | null, avoid: readonly Digest[]): void {
    this.#save = new Save(this.#options, base, avoid);
    void this.#save.run();
  }
}
