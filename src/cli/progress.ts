// A bar on stderr for what takes a while. Nothing where there is no terminal, and nothing for what is over at once.
import { paint } from "./output.ts";
import { fit, plain, widthOf } from "./text.ts";
import { bytes, span } from "./units.ts";

const FIRST_AFTER_MS = 500;
const EVERY_MS = 100;
const BAR = 24;
const EIGHTHS = " ▏▎▍▌▋▊▉";

export class Progress implements Disposable {
  readonly #name: string;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout | null = null;
  #shown = false;
  #done = 0;
  /** Bytes; null: not known. */
  #size: number | null;

  constructor(name: string, size: number | null) {
    this.#name = plain(name);
    this.#size = size;
    if (process.stderr.isTTY) this.#timer = setInterval(() => this.#show(), EVERY_MS).unref();
  }

  readonly add = (count: number): void => {
    this.#done += count;
  };

  readonly setSize = (size: number): void => {
    this.#size = size;
  };

  [Symbol.dispose](): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#shown) process.stderr.write("\r\u001b[K");
  }

  #show(): void {
    const elapsedMs = performance.now() - this.#startedAt;
    if (elapsedMs < FIRST_AFTER_MS) return;
    this.#shown = true;
    const line = progressLine({ done: this.#done, size: this.#size, elapsedMs });
    const room = (process.stderr.columns || 80) - widthOf(line) - 3;
    const name = room < 8 ? "" : `${fit(this.#name, room)}  `;
    process.stderr.write(`\r${paint(process.stderr, "dim", name)}${line}\u001b[K`);
  }
}

/** Pure. */
export function progressLine(now: { done: number; size: number | null; elapsedMs: number }): string {
  const { done, size, elapsedMs } = now;
  const speed = (done * 1000) / Math.max(1, elapsedMs);
  if (size === null || size === 0) return `${bytes(done)}  ${bytes(speed)}/s`;
  const share = Math.min(1, done / size);
  const left = speed === 0 ? "" : `  ${span((size - done) / speed)} left`;
  return `${bar(share)} ${String(Math.floor(share * 100)).padStart(3)}%  ${bytes(done)} of ${bytes(size)}  ${bytes(speed)}/s${left}`;
}

function bar(share: number): string {
  const eighths = Math.round(share * BAR * 8);
  const full = "█".repeat(Math.floor(eighths / 8));
  const part = eighths % 8 === 0 ? "" : (EIGHTHS[eighths % 8] ?? "");
  return `▕${(full + part).padEnd(BAR)}▏`;
}
