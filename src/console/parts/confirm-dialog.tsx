// Asks before something is done that cannot simply be taken back.
import type { ComponentChildren } from "preact";
import { Dialog } from "./dialog.tsx";

interface ConfirmDialogProps {
  readonly title: string;
  readonly button: string;
  readonly onClose: () => void;
  /** Closes the dialog as well, when it likes. */
  readonly run: () => void;
  readonly children: ComponentChildren;
}

export function ConfirmDialog({ title, button, onClose, run, children }: ConfirmDialogProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p class="wrap">{children}</p>
      <div class="form">
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="button" class="danger" onClick={run}>
            {button}
          </button>
        </footer>
      </div>
    </Dialog>
  );
}
