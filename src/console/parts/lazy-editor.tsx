// The editor, fetched when it is first shown.
import { lazy } from "./lazy.tsx";
import type { EditorProps } from "./code-editor.tsx";

export const LazyEditor = lazy<EditorProps>("the editor", async () => (await import("./code-editor.tsx")).CodeEditor);
