// The dialog that adds a service.
import type { ServiceInput } from "../../../sdk/index.ts";
import { FormDialog, textIn } from "../../parts/form-dialog.tsx";

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
  const submit = async (form: FormData): Promise<void> => {
    const [name, port] = [textIn(form, "name"), textIn(form, "port")];
    if (taken.includes(name)) throw new Error(`There is a service ${name} already.`);
    await add({
      name,
      command: textIn(form, "command"),
      env: readEnvironment(textIn(form, "env")),
      ...(port === "" ? {} : { port: Number(port) }),
    });
    onClose();
  };
  return (
    <FormDialog title="Add a service" button="Add" onClose={onClose} submit={submit}>
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
    </FormDialog>
  );
}
