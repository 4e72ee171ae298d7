// CodeMirror as a component. It is fetched when an editor is first shown: see lazy-editor.tsx.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "preact/hooks";
import { styledDocument } from "./styled-document.ts";

export interface EditorProps {
  readonly text: string;
  readonly label: string;
  /** Plain text otherwise. */
  readonly language: "typescript" | "text";
  readonly readOnly?: boolean;
  readonly onChange: (text: string) => void;
  /** Mod-Enter, in an editor of code that can be run. */
  readonly onRun?: () => void;
  /** Mod-S, in an editor of a file. */
  readonly onSave?: () => void;
  /** A place to go to, from 1 on; a new object goes there again. */
  readonly goTo?: { readonly line: number; readonly column: number } | null;
}

const COLORS = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--ansi-5)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--ansi-2)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--ansi-3)" },
  { tag: [tags.comment], color: "var(--muted)", fontStyle: "italic" },
  { tag: [tags.typeName, tags.className], color: "var(--ansi-6)" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: "var(--ansi-4)" },
]);

const LOOK = EditorView.theme({
  "&": { height: "100%", fontSize: "0.8125rem", backgroundColor: "var(--surface)", color: "var(--text)" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", border: "0" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--raised) 60%, transparent)" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--accent) 28%, transparent)",
  },
  ".cm-panels": { backgroundColor: "var(--raised)", color: "var(--text)" },
});

/** All editors share their styles, which stay. */
const STYLED = styledDocument();

/**
 * Text over a selection is put there by the editor. Chromium would keep the colour of what it replaces by an inline style,
 * which the page's policy forbids. What an input method composes cannot be taken from it.
 */
function typeOverSelection(event: InputEvent, view: EditorView): boolean {
  const { state } = view;
  const isText = event.inputType === "insertText" && event.data !== null && !event.isComposing;
  if (!isText || state.readOnly || state.selection.main.empty) return false;
  view.dispatch(state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  return true;
}

export function CodeEditor(props: EditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorView | null>(null);
  // What the keys call is what was given last.
  const latest = useRef(props);
  latest.current = props;
  const editable = useRef(new Compartment());
  // What was typed and has not come back as `text` yet. It comes back late when one types fast, and is no change then.
  const typed = useRef<string[]>([]);
  const isGiven = useRef(false);

  useEffect(() => {
    if (place.current === null) return undefined;
    const { text, language, label } = latest.current;
    const call = (name: "onRun" | "onSave") => (): boolean => {
      const handler = latest.current[name];
      handler?.();
      return handler !== undefined;
    };
    const view = new EditorView({
      parent: place.current,
      root: STYLED.document,
      state: EditorState.create({
        doc: text,
        extensions: [
          keymap.of([
            { key: "Mod-Enter", run: call("onRun"), preventDefault: true },
            { key: "Mod-s", run: call("onSave"), preventDefault: true },
            // Tab indents; Escape and then Tab leaves the editor, for who has only a keyboard.
            indentWithTab,
            ...defaultKeymap,
            ...historyKeymap,
            ...searchKeymap,
          ]),
          lineNumbers(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          highlightActiveLine(),
          highlightSelectionMatches(),
          syntaxHighlighting(COLORS),
          LOOK,
          language === "typescript" ? javascript({ typescript: true, jsx: true }) : [],
          EditorView.domEventHandlers({ beforeinput: typeOverSelection }),
          EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged || isGiven.current) return;
            const written = update.state.doc.toString();
            typed.current.push(written);
            latest.current.onChange(written);
          }),
          editable.current.of(EditorState.readOnly.of(latest.current.readOnly === true)),
        ],
      }),
    });
    editor.current = view;
    return () => view.destroy();
  }, []);

  useEffect(() => {
    const view = editor.current;
    const echo = typed.current.indexOf(props.text);
    typed.current = echo === -1 ? [] : typed.current.slice(echo + 1);
    if (echo !== -1 || view === null || view.state.doc.toString() === props.text) return;
    isGiven.current = true;
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: props.text } });
    isGiven.current = false;
  }, [props.text]);

  useEffect(() => {
    const effects = editable.current.reconfigure(EditorState.readOnly.of(props.readOnly === true));
    editor.current?.dispatch({ effects });
  }, [props.readOnly]);

  useEffect(() => {
    const view = editor.current;
    if (view === null || props.goTo === undefined || props.goTo === null) return;
    const line = view.state.doc.line(Math.min(Math.max(props.goTo.line, 1), view.state.doc.lines));
    const anchor = Math.min(line.from + Math.max(props.goTo.column - 1, 0), line.to);
    view.dispatch({ selection: { anchor }, scrollIntoView: true });
    view.focus();
  }, [props.goTo]);

  return <div class="editor" ref={place} />;
}
