// Examples of contexts and of what runs in them.
import type { Context, ContextRun } from "../contexts.ts";
import type { ROUTES } from "../routes.ts";
import type { Examples } from "./example.ts";
import { AT, EXECUTED, ID, LATER } from "./values.ts";

const contextId = ID.context;
const CONTEXT: Context = {
  id: contextId,
  language: "python",
  name: "analysis",
  state: "idle",
  createdAt: AT,
  lastRunAt: LATER,
};
const RUN: ContextRun = { contextId, error: null, dropped: [], lost: null };

export const CONTEXT_EXAMPLES = {
  createContext: {
    bodies: {
      Python: { language: "python", name: "analysis" },
      "TypeScript, in a folder": { language: "ts", workingDir: "app" },
    },
    answer: { ...CONTEXT, state: "idle", lastRunAt: null },
  },
  listContexts: { answer: { contexts: [CONTEXT], total: 1 } },
  getContext: { answer: CONTEXT },
  runInContext: {
    bodies: {
      "Bind a variable, and look at it": { code: "prices = [3, 5, 8]\nsum(prices)" },
      "With a time-out": { code: "train(model)", timeout: 300, stream: true },
    },
    answer: {
      ...EXECUTED,
      ...RUN,
      stdout: "",
      filesWritten: [],
      results: [{ type: "json", main: true, text: "16", json: 16 }],
    },
  },
  interruptContext: { answer: { interrupted: true } },
  deleteContext: { answer: { deleted: true, contextId } },
} satisfies Partial<Examples<typeof ROUTES>>;
