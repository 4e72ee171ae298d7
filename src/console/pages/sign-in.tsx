// Where one signs in with an API key.
import { useState } from "preact/hooks";
import { signedOutBecause, signIn } from "../state/access.ts";
import { asBuntimeError } from "../state/loaded.ts";
import type { BuntimeError } from "../../sdk/index.ts";

/** What a person can do about it. */
function explain(error: BuntimeError): string {
  const { code, message } = error;
  if (code === "unauthorized") return "This key is not valid: it is mistyped, has expired, or was revoked.";
  if (code === "forbidden") return `This key may not list sessions: ${message}`;
  if (code === "network_error" || code === "timeout") return "The platform cannot be reached. Is there a connection?";
  return message;
}

export function SignIn() {
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<string | null>(signedOutBecause.value);
  const [busy, setBusy] = useState(false);
  const enter = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await signIn(key.trim());
    } catch (error) {
      setProblem(explain(asBuntimeError(error)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <h1>buntime</h1>
        <p class="muted">A persistent Bun machine for every agent.</p>
        <label for="key">API key</label>
        <input
          id="key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          required
          placeholder="btk_…"
          value={key}
          aria-describedby="key-hint"
          aria-invalid={problem === null ? undefined : "true"}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
        <p id="key-hint" class="muted">
          It stays in this tab and is forgotten when the tab is closed.
        </p>
        {problem !== null && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="primary" disabled={busy || key.trim() === ""}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </main>
  );
}
