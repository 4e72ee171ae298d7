// One terminal on the screen. It is fetched when a terminal is first shown.
import { FitAddon } from "@xterm/addon-fit";
import { Terminal as Screen } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Terminal } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";
import { isOffline, noteOutcome } from "../../state/connection.ts";
import { asBuntimeError } from "../../state/loaded.ts";
import { allowSpanStyles, styledDocument } from "../../parts/styled-document.ts";

// The colours of a palette beyond its own, xterm sets on its spans.
allowSpanStyles();

export interface TerminalPaneProps {
  readonly sessionId: string;
  /** null: a new one. */
  readonly id: string | null;
  readonly isShown: boolean;
  readonly onOpen: (id: string) => void;
  readonly onAgain: () => void;
}

/** How it stands with the terminal, when it cannot be typed into. */
type Trouble = { readonly text: string; readonly canReturn: boolean } | null;

/** The page's colours, as xterm wants them. */
function themeOf(element: Element): Record<string, string> {
  const probe = document.createElement("span");
  element.append(probe);
  const colorOf = (name: string): string => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
  const bright = names.map((name) => `bright${name.charAt(0).toUpperCase()}${name.slice(1)}`);
  const palette = [...names, ...bright].map((name, index) => [name, colorOf(`--ansi-${index}`)] as const);
  const theme = {
    ...Object.fromEntries(palette),
    background: colorOf("--surface"),
    foreground: colorOf("--text"),
    cursor: colorOf("--accent"),
    cursorAccent: colorOf("--surface"),
    selectionBackground: colorOf("--line"),
  };
  probe.remove();
  return theme;
}

export function TerminalPane({ sessionId, id, isShown, onOpen, onAgain }: TerminalPaneProps) {
  const place = useRef<HTMLDivElement>(null);
  const screen = useRef<Screen | null>(null);
  const [trouble, setTrouble] = useState<Trouble>(null);
  const [tries, setTries] = useState(0);

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const styles = styledDocument();
    const view = new Screen({
      documentOverride: styles.document,
      theme: themeOf(element),
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono"),
      fontSize: 13,
      scrollback: 10_000,
      screenReaderMode: true,
      macOptionIsMeta: true,
    });
    const fit = new FitAddon();
    view.loadAddon(fit);
    styles.within(() => view.open(element));
    screen.current = view;
    fit.fit();
    if (isShown) view.focus();
    // Ctrl-Shift-Escape leaves the terminal: every other key is the program's.
    view.attachCustomKeyEventHandler((event) => {
      const leaves = event.key === "Escape" && event.ctrlKey && event.shiftKey;
      if (leaves) view.blur();
      return !leaves;
    });
    const abort = new AbortController();
    let terminal: Terminal | null = null;
    const connect = async (): Promise<void> => {
      try {
        const { cols, rows } = view;
        terminal = await api().terminal.open(
          { sessionId, cols, rows, ...(id === null ? {} : { id }) },
          { signal: abort.signal },
        );
        onOpen(terminal.id);
        terminal.onData((bytes) => new Promise((resolve) => view.write(bytes, resolve)));
        const { exitCode, signal } = await terminal.exited;
        setTrouble({ text: `Its program ended with ${signal ?? `exit code ${exitCode ?? "?"}`}.`, canReturn: false });
      } catch (error) {
        if (abort.signal.aborted) return;
        const failure = asBuntimeError(error);
        noteOutcome(failure);
        setTrouble({
          text: failure.message,
          canReturn: failure.code === "network_error" || failure.code === "timeout",
        });
      }
    };
    void connect();
    const onData = view.onData((text) => terminal?.write(text));
    const onBinary = view.onBinary((text) =>
      terminal?.write(Uint8Array.from(text, (character) => character.charCodeAt(0))),
    );
    const onResize = view.onResize(({ cols, rows }) => terminal?.resize(cols, rows));
    const watcher = new ResizeObserver(() => {
      if (element.clientWidth > 0) fit.fit();
    });
    watcher.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const recolor = (): void => {
      view.options.theme = themeOf(element);
    };
    scheme.addEventListener("change", recolor);
    const themeWatcher = new MutationObserver(recolor);
    themeWatcher.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      for (const subscription of [onData, onBinary, onResize]) subscription.dispose();
      watcher.disconnect();
      themeWatcher.disconnect();
      scheme.removeEventListener("change", recolor);
      abort.abort();
      terminal?.disconnect();
      view.dispose();
      styles.dispose();
    };
  }, [sessionId, tries]);

  // At the moment that it is shown: what is typed from then on is for this one.
  useLayoutEffect(() => {
    if (isShown) screen.current?.focus();
  }, [isShown]);

  return (
    <div class="terminal-pane" hidden={!isShown}>
      <div class="terminal-screen" ref={place} />
      {isOffline.value && trouble === null && (
        <p class="terminal-trouble" role="status">
          The connection is gone; it is sought again, and nothing is lost.
        </p>
      )}
      {trouble !== null && (
        <p class="terminal-trouble" role="status">
          {trouble.text}{" "}
          {trouble.canReturn && (
            <button
              type="button"
              onClick={() => {
                setTrouble(null);
                setTries(tries + 1);
              }}
            >
              Connect again
            </button>
          )}
          <button type="button" onClick={onAgain}>
            New terminal
          </button>
        </p>
      )}
    </div>
  );
}
