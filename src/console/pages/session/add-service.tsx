// The dialog that adds a service.
import { useState } from "preact/hooks";
import type { ServiceInput } from "../../../sdk/index.ts";
import { asBuntimeError } from "../../state/loaded.ts";
import { Dialog } from "../../parts/dialog.tsx";

interface AddServiceProps {
  readonly taken: readonly string[];
  readonly onClose: () => void;
  readonly add: (service: ServiceInput) => Promise<void>;
}

/** `NAME=value` lines. */
function readEnvironment(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.includes("="));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf("=")).trim(), line.slice(line.indexOf("=") + 1)]),
  );
}

export function AddService({ taken, onClose, add }: AddServiceProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (form: FormData): Promise<void> => {
    const text = (field: string): string => {
      const value = form.get(field);
      return typeof value === "string" ? value.trim() : "";
    };
    if (taken.includes(text("name"))) return setProblem(`There is a service ${text("name")} already.`);
    try {
      await add({
        name: text("name"),
        command: text("command"),
        env: readEnvironment(text("env")),
        ...(text("port") === "" ? {} : { port: Number(text("port")) }),
      });
      onClose();
    } catch (error) {
      setProblem(asBuntimeError(error).message);
    }
  };
  return (
    <Dialog title="Add a service" onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit(new FormData(event.currentTarget));
        }}
      >
        <label>
          Name
          <input name="name" required pattern="[a-z0-9][a-z0-9_\-]{0,63}" title="1 to 64 of a-z 0-9 _ -" autofocus />
        </label>
        <label>
          Command <small>one that stays in the foreground</small>
          <input name="command" required placeholder="bun server.ts" />
        </label>
        <label>
          Port <small>optional: it is ready once it listens there</small>
          <input name="port" type="number" min={1} max={65_535} placeholder="8080" />
        </label>
        <label>
          Environment <small>NAME=value, a line each</small>
          <textarea name="env" rows={3} spellcheck={false} />
        </label>
        {problem !== null && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Add
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
