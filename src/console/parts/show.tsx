// What a loader has, or that it loads, or that it failed.
import type { ComponentChildren } from "preact";
import type { Loader } from "../state/loaded.ts";
import { Problem } from "./problem.tsx";

interface ShowProps<T> {
  readonly of: Loader<T>;
  /** What is being loaded, for those who hear the page: "files". */
  readonly what: string;
  readonly children: (value: T) => ComponentChildren;
}

/** Shows what a loader has. A reload that fails leaves what was there, and says so above it. */
export function Show<T>({ of, what, children }: ShowProps<T>) {
  const { value, error } = of.state.value;
  const problem = error !== null && <Problem error={error} retry={() => void of.reload()} />;
  if (value === null) {
    return problem || <Loading what={what} />;
  }
  return (
    <>
      {problem}
      {children(value)}
    </>
  );
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">Loading {what}</span>
      <span class="bar" aria-hidden="true" />
      <span class="bar" aria-hidden="true" />
      <span class="bar" aria-hidden="true" />
    </div>
  );
}
