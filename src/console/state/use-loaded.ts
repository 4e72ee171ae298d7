// A Loader that lives as long as a component shows it.
import { effect } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { isOffline } from "./connection.ts";
import { Loader } from "./loaded.ts";

/** Loads at once, and again whenever one of `inputs` changes. `everyMs`: again and again, while the page is seen. */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  inputs: readonly unknown[],
  { everyMs }: { readonly everyMs?: number } = {},
): Loader<T> {
  const loader = useMemo(() => new Loader(load), inputs);
  useEffect(() => {
    void loader.reload();
    const timer =
      everyMs === undefined
        ? undefined
        : setInterval(() => {
            if (!document.hidden && !loader.state.peek().loading) void loader.reload();
          }, everyMs);
    // What failed without a connection is asked again with one.
    const stop = effect(() => {
      if (!isOffline.value && loader.state.peek().error !== null) void loader.reload();
    });
    return () => {
      stop();
      clearInterval(timer);
      loader.stop();
    };
  }, [loader]);
  return loader;
}
