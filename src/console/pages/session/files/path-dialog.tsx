// What is asked before a file is made or moved.
import { useRef, useState } from "preact/hooks";
import { asBuntimeError } from "../../../state/loaded.ts";
import { noteOutcome } from "../../../state/connection.ts";
import { Dialog } from "../../../parts/dialog.tsx";
import { cleanPath, complaintAbout, shownName, typedName } from "./names.ts";

interface PathDialogProps {
  readonly title: string;
  readonly button: string;
  /** The path to begin with. */
  readonly path: string;
  readonly onClose: () => void;
  /** Does it; what it throws is shown. */
  readonly run: (path: string) => Promise<void>;
}

/** Asks for a path in the workspace. */
export function PathDialog({ title, button, path, onClose, run }: PathDialogProps) {
  const [text, setText] = useState(shownName(path));
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const isSelected = useRef(false);
  const submit = async (): Promise<void> => {
    const wanted = cleanPath(typedName(text));
    const complaint = complaintAbout(wanted);
    setProblem(complaint);
    if (complaint !== null) return;
    setBusy(true);
    try {
      await run(wanted);
      noteOutcome(null);
      onClose();
    } catch (error) {
      noteOutcome(error);
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
          void submit();
        }}
      >
        <label>
          Path in the workspace
          <input
            // The dialog gives it the focus as it opens.
            autofocus
            onFocus={({ currentTarget: input }) => {
              if (isSelected.current) return;
              isSelected.current = true;
              // Typing replaces the name, not the folder that it is in.
              input.setSelectionRange(input.value.lastIndexOf("/") + 1, input.value.length);
            }}
            autocomplete="off"
            spellcheck={false}
            value={text}
            aria-invalid={problem !== null}
            aria-describedby="path-problem"
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <small>
            Folders that are not there yet are made.
            {text.includes("\\") && " A backslash begins an escape, such as \\n or \\u0007; two stand for one."}
          </small>
        </label>
        {problem !== null && (
          <p id="path-problem" class="problem" role="alert">
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
