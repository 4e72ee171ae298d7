// What the keys do.
import { signal } from "@preact/signals";
import { shortcuts, useShortcuts } from "../state/shortcuts.ts";
import { Dialog } from "./dialog.tsx";

const isOpen = signal(false);

/** What the keys do on this page. `?` opens it. */
export function ShortcutHelp() {
  useShortcuts([{ key: "?", does: "show the keys", run: () => (isOpen.value = true) }], []);
  if (!isOpen.value) return null;
  const names = new Map(shortcuts.value.map(({ key, does }) => [key, does]));
  return (
    <Dialog title="Keys" onClose={() => (isOpen.value = false)}>
      <dl class="keys">
        {[...names].map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
