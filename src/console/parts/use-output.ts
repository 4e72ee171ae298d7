// Lines of output that are drawn at most once a frame, however fast they come.
import { signal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { OutputLines } from "./output-lines.ts";
import type { OutputStream } from "./output-lines.ts";

export interface Output {
  readonly lines: OutputLines;
  readonly version: ReadonlySignal<number>;
  append(stream: OutputStream, text: string): void;
  clear(): void;
}

export function createOutput(): Output {
  const lines = new OutputLines();
  const version = signal(0);
  let isDue = false;
  const changed = (): void => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      version.value += 1;
    });
  };
  return {
    lines,
    version,
    append(stream, text) {
      lines.append(stream, text);
      changed();
    },
    clear() {
      lines.clear();
      changed();
    },
  };
}

export function useOutput(): Output {
  return useMemo(createOutput, []);
}
