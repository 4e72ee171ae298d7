// Components whose code is fetched late.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { asBuntimeError } from "../state/loaded.ts";
import { Problem } from "./problem.tsx";
import { Loading } from "./show.tsx";

/** A component whose code is fetched when it is first shown. `load` is asked again after a failure. */
export function lazy<Props extends object>(
  what: string,
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  let loaded: ComponentType<Props> | null = null;
  return function Lazy(props: Props) {
    const [, redraw] = useState(0);
    const [error, setError] = useState<unknown>(null);
    const fetchIt = async (): Promise<void> => {
      setError(null);
      try {
        loaded = await load();
        redraw((times) => times + 1);
      } catch (cause) {
        setError(cause);
      }
    };
    useEffect(() => {
      if (loaded === null) void fetchIt();
    }, []);
    if (error !== null) return <Problem error={asBuntimeError(error)} retry={() => void fetchIt()} />;
    const Loaded = loaded;
    return Loaded === null ? <Loading what={what} /> : <Loaded {...props} />;
  };
}
