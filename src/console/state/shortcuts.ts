// Keys that do something, wherever the focus is, unless one is typing. The list of them is what `?` shows.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

export interface Shortcut {
  /** As KeyboardEvent.key has it, such as `j` or `Enter`. */
  readonly key: string;
  readonly does: string;
  readonly run: () => void;
}

export const shortcuts = signal<readonly Shortcut[]>([]);

/** Holds while the component is shown. Later ones win over earlier ones with the same key. */
export function useShortcuts(wanted: readonly Shortcut[], inputs: readonly unknown[]): void {
  useEffect(() => {
    shortcuts.value = [...shortcuts.peek(), ...wanted];
    return () => {
      shortcuts.value = shortcuts.peek().filter((shortcut) => !wanted.includes(shortcut));
    };
  }, inputs);
}

const TYPED_INTO = "input, textarea, select, [contenteditable]:not([contenteditable='false']), .xterm, dialog";

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof Element && event.target.closest(TYPED_INTO) !== null) return;
  // Enter on a link or a button is that link's or button's.
  if (event.key === "Enter" && event.target instanceof Element && event.target.closest("a, button, summary") !== null)
    return;
  const shortcut = shortcuts.peek().findLast(({ key }) => key === event.key);
  if (shortcut === undefined) return;
  event.preventDefault();
  shortcut.run();
});
