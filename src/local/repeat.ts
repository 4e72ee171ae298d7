// Work that is done again and again until it is stopped, one after the other.

/** `firstAfterMs`: the first time, unless `everyMs` is shorter. What fails is told and tried again at its next time. */
export function repeat(
  work: () => Promise<void>,
  options: {
    readonly firstAfterMs: number;
    readonly everyMs: number;
    readonly onError: (error: unknown) => void;
  },
): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout;
  const plan = (ms: number): void => {
    timer = setTimeout(() => void run(), ms);
  };
  const run = async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!stopped) options.onError(error);
    }
    if (!stopped) plan(options.everyMs);
  };
  plan(Math.min(options.firstAfterMs, options.everyMs));
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
