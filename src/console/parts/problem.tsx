// What is shown where something failed, or where there is nothing.
import type { ComponentChildren } from "preact";
import type { BuntimeError } from "../../sdk/index.ts";

const OF_NETWORK = new Set(["network_error", "timeout"]);

/** What went wrong, in the platform's words, and a way to try again. */
export function Problem({ error, retry }: { readonly error: BuntimeError; readonly retry?: () => void }) {
  const title = OF_NETWORK.has(error.code) ? "The platform cannot be reached" : error.message;
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{title}</strong>
      </p>
      <p class="muted">
        {OF_NETWORK.has(error.code) ? error.message : error.code}
        {error.requestId !== null && ` · request ${error.requestId}`}
      </p>
      {retry !== undefined && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Where there is nothing yet: what would be here, and how it gets here. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p>
        <strong>{title}</strong>
      </p>
      {children}
    </div>
  );
}
