// One restore: takes packs as they arrive, several at a time and in any order, and at the end has the new tree take the
// place of the old one. The workspace stays as it is until then, whatever happens. Bytes are checked before they are
// written, by the digest of each piece. A body is read only as fast as its frames can be written.
import type { Digest } from "../../../src/contract/manifest.ts";
import { explain } from "../files/failure.ts";
import type { Config, UserIdentity } from "../config.ts";
import { SupervisorError } from "../problem.ts";
import type { Saved } from "./index.ts";
import { FrameCutter, contentSizeOf } from "./restore-frames.ts";
import { damagedPack, decompress, orConflict } from "./restore-manifest.ts";
import { FRAME_BYTES, planRestore } from "./restore-plan.ts";
import type { Plan, PlannedFrame } from "./restore-plan.ts";
import { RestorePlace } from "./restore-place.ts";
import { RestoreTree } from "./restore-tree.ts";
import { parentOf } from "../../../src/lib/files/paths.ts";

/** Uncompressed bytes on their way to the disk, of all packs together. */
const IN_FLIGHT_BYTES = 4 * 1024 * 1024;

export class Restore {
  readonly manifest: Omit<Saved, "tree">;
  /** A byte string; null: the whole workspace. */
  readonly only: string | null;
  readonly plan: Plan;
  readonly #place: RestorePlace;
  readonly #tree: RestoreTree;
  #inFlightBytes = 0;
  #waiters: (() => void)[] = [];
  #receiving = 0;
  /** The first thing that went wrong: nothing can be made of this restore any more. */
  #failure: unknown = null;
  #isComplete = false;
  #isSwapped = false;
  #removed: Promise<boolean> | null = null;

  /** @throws SupervisorError `conflict`, `file_not_found` */
  constructor(config: Pick<Config, "workspace" | "user">, manifest: Omit<Saved, "tree">, only: string | null) {
    this.manifest = manifest;
    this.only = only;
    const nodes = manifest.segments.flatMap((segment) => segment.nodes);
    this.plan = orConflict(() => planRestore(manifest.root, nodes, only));
    this.#place = RestorePlace.create(config.workspace);
    const base = parentOf(only ?? "");
    this.#tree = new RestoreTree(this.plan, this.#place.newDirectory, { user: config.user, base });
  }

  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** The new tree is in its place. */
  get isSwapped(): boolean {
    return this.#isSwapped;
  }

  /** @throws SupervisorError `conflict` where the bytes are not those of the pack, or the restore is over; `disk_full` */
  async receive(id: Digest, body: AsyncIterable<Uint8Array>): Promise<void> {
    const pack = this.plan.packs.get(id);
    if (pack === undefined) throw new SupervisorError("conflict", `The restore that was begun does not need ${id}`);
    const cutter = new FrameCutter(pack);
    const jobs: Promise<void>[] = [];
    this.#receiving++;
    try {
      for await (const chunk of body) {
        this.#throwFailure();
        for (const { frame, bytes } of cutter.push(chunk)) {
          const size = contentSizeOf(bytes);
          if (size === null || size > FRAME_BYTES) throw this.#fail(damagedPack(id));
          await this.#admit(size);
          jobs.push(this.#put(id, frame, bytes).finally(() => this.#release(size)));
        }
      }
      if (!cutter.isComplete) throw this.#fail(damagedPack(id));
    } catch (error) {
      if (!(error instanceof Error && error.name === "AbortError")) throw error;
      throw new SupervisorError("conflict", `The connection broke while the pack ${id} arrived; put it again`);
    } finally {
      await Promise.all(jobs);
      this.#receiving--;
    }
    this.#throwFailure();
  }

  /** Builds what no pack holds. Again is fine. @throws SupervisorError `conflict` where something is missing */
  async complete(): Promise<void> {
    this.#throwFailure();
    if (this.#isComplete) return;
    const missing = [...this.plan.packs].filter(([, { frames }]) => frames.some(({ written }) => !written));
    if (this.#receiving > 0 || missing.length > 0) {
      const packs = missing.map(([id]) => id).slice(0, 10);
      throw new SupervisorError("conflict", `The restore lacks ${missing.length} packs; put them first`, { packs });
    }
    try {
      await this.#tree.complete();
    } catch (error) {
      throw this.#fail(explain(error, "The workspace"));
    }
    this.#tree[Symbol.dispose]();
    this.#isComplete = true;
  }

  /** The new tree takes the place of the old one. Call it once, after complete(). Where it throws, all is as it was. */
  async swap(user: UserIdentity): Promise<void> {
    if (this.only === null) this.#place.replaceAll();
    else await this.#place.replaceOne(this.only, user);
    this.#isSwapped = true;
  }

  /** Nothing is written from here on. Deletes what was built, or replaced. True where there was something to delete. */
  end(): Promise<boolean> {
    this.#failure ??= new SupervisorError("conflict", "The restore is over; begin another one");
    this.#tree[Symbol.dispose]();
    this.#wakeWaiters();
    this.#removed ??= this.#place.remove();
    return this.#removed;
  }

  /** Never rejects: a failure is kept. */
  async #put(id: Digest, frame: PlannedFrame, compressed: Uint8Array): Promise<void> {
    if (frame.written) return;
    try {
      const content = await decompress(compressed, FRAME_BYTES);
      const isGood = content !== null && (await hasDigests(frame, content));
      // Of two puts of the same pack.
      if (frame.written || this.#failure !== null) return;
      if (content === null || !isGood) {
        this.#fail(damagedPack(id));
        return;
      }
      this.#tree.write(frame.parts, content);
      frame.written = true;
      // Its memory is free now, and not when somebody next looks for what is no longer used.
      if (content.buffer instanceof ArrayBuffer) content.buffer.transfer(0);
    } catch (error) {
      this.#fail(explain(error, "The workspace"));
    }
  }

  async #admit(bytes: number): Promise<void> {
    while (this.#inFlightBytes > 0 && this.#inFlightBytes + bytes > IN_FLIGHT_BYTES) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiters.push(resolve);
      await promise;
      this.#throwFailure();
    }
    this.#inFlightBytes += bytes;
  }

  #release(bytes: number): void {
    this.#inFlightBytes -= bytes;
    this.#wakeWaiters();
  }

  #wakeWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }

  #fail(error: unknown): unknown {
    this.#failure ??= error;
    return this.#failure;
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}

/** A piece of this size and more is hashed on another thread; sending a smaller one there costs more than it saves. */
const LARGE_PIECE_BYTES = 64 * 1024;

/** Every piece is what the manifest says. Equal ones, of files that are alike, are looked at once. */
async function hasDigests({ parts }: PlannedFrame, content: Uint8Array<ArrayBuffer>): Promise<boolean> {
  let known = "";
  const large: Promise<boolean>[] = [];
  for (const { piece } of parts) {
    const { start, size, digest } = piece;
    const key = `${start} ${size} ${digest}`;
    if (key === known) continue;
    if (start + size > content.length) return false;
    const bytes = content.subarray(start, start + size);
    if (size >= LARGE_PIECE_BYTES) large.push(isDigestOf(bytes, digest));
    else if (Bun.SHA256.hash(bytes, "hex") !== digest) return false;
    known = key;
  }
  return (await Promise.all(large)).every((isGood) => isGood);
}

async function isDigestOf(bytes: Uint8Array<ArrayBuffer>, digest: Digest): Promise<boolean> {
  return Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex") === digest;
}
