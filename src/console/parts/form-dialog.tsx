// A dialog with a form: it shows what is wrong, and sends nothing twice.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { asBuntimeError } from "../state/loaded.ts";
import { Dialog } from "./dialog.tsx";

interface FormDialogProps {
  readonly title: string;
  readonly button: string;
  readonly onClose: () => void;
  /** Does it, and closes the dialog. What it throws is shown. */
  readonly submit: (form: FormData) => Promise<void>;
  readonly children: ComponentChildren;
}

export function FormDialog({ title, button, onClose, submit, children }: FormDialogProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const send = async (form: FormData): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await submit(form);
    } catch (error) {
      setProblem(asBuntimeError(error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void send(new FormData(event.currentTarget));
        }}
      >
        {children}
        {problem !== null && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={isBusy}>
            {button}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

/** What was typed into a field of that name, without spaces around it. */
export function textIn(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value.trim() : "";
}
