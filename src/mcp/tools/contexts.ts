// Code step by step, with variables that stay.
import * as z from "zod";
import { RunAnswer, RunRequest } from "../../contract/context-run.ts";
import { ContextLanguage } from "../../contract/contexts.ts";
import type { Result } from "../../contract/contexts.ts";
import { CONTEXT_ROUTES } from "../../contract/routes/contexts.ts";
import { errorText } from "../../lib/run-error.ts";
import type { SessionInUse } from "../session-use.ts";
import { clip } from "../text.ts";
import { tool } from "../tool.ts";
import type { Tool } from "../tool.ts";

const { code, env, timeout } = RunRequest.shape;
const { contextId, stdout, stderr, error, dropped, lost, timedOut, executionTime } = RunAnswer.shape;
/** What MCP's images can be. */
const PICTURE = /^image\/(png|jpeg|gif|webp)$/;

export const contextTools: readonly Tool[] = [
  tool({
    name: "run_in_context",
    title: "Run in a context",
    description:
      "Run code in an interpreter that keeps its variables, functions and imports from call to call, as a notebook does: " +
      "for work in steps. There is one for each language, made by the first call. The value of the last expression is " +
      "shown, and what is given to display(); pictures come as images. Variables are kept over the machine's sleep as far " +
      "as they can be saved; the answer names those that were not.",
    input: { language: ContextLanguage, code, env, timeout },
    output: {
      contextId,
      stdout,
      stderr,
      results: z.array(z.object({ type: z.string(), text: z.string() })),
      error,
      dropped,
      lost,
      timedOut,
      executionTime,
    },
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    async run(session, { language, ...request }) {
      const { api, ref: id } = session;
      const context = (await contextOf(session, language)) ?? (await makeContext(session, language));
      const params = { id, contextId: context };
      const answer = await api.call(CONTEXT_ROUTES.runInContext, { params, body: request });
      const results = answer.results.map(({ type, text }) => ({ type, text: clip(text).text }));
      const [out, err] = [clip(answer.stdout).text, clip(answer.stderr).text];
      return {
        text: textOf({ ...answer, stdout: out, stderr: err }, results),
        data: { ...answer, stdout: out, stderr: err, results },
        more: answer.results.flatMap(pictureOf),
      };
    },
  }),
];

const nameOf = (language: ContextLanguage): string => `mcp-${language}`;

/** The oldest, where two calls made one at the same time. */
async function contextOf({ api, ref: id }: SessionInUse, language: ContextLanguage): Promise<string | null> {
  const { contexts } = await api.call(CONTEXT_ROUTES.listContexts, { params: { id } });
  return contexts.find(({ name }) => name === nameOf(language))?.id ?? null;
}

async function makeContext(session: SessionInUse, language: ContextLanguage): Promise<string> {
  const { api, ref: id } = session;
  const body = { language, name: nameOf(language) };
  const made = await api.call(CONTEXT_ROUTES.createContext, { params: { id }, body });
  return (await contextOf(session, language)) ?? made.id;
}

function textOf(answer: RunAnswer, results: readonly Pick<Result, "text">[]): string {
  const parts: string[] = [];
  if (answer.lost !== null) {
    parts.push(`The variables were lost before this run: ${answer.lost.reason}.`);
  }
  for (const { name, reason } of answer.dropped) {
    parts.push(`${name} could not be brought back: ${reason}.`);
  }
  for (const stream of ["stdout", "stderr"] as const) {
    if (answer[stream] !== "") {
      parts.push(`${stream}:\n${answer[stream].replace(/\n$/, "")}`);
    }
  }
  parts.push(...results.map(({ text }) => text));
  if (answer.timedOut) {
    parts.push("It took longer than its time-out and was interrupted. Give a longer `timeout`.");
  } else if (answer.error !== null) {
    parts.push(clip(errorText(answer.error)).text);
  }
  return parts.length === 0 ? "It showed nothing." : parts.join("\n");
}

function pictureOf({ mime = "", data }: Result): { type: "image"; data: string; mimeType: string }[] {
  return data !== undefined && PICTURE.test(mime) ? [{ type: "image", data, mimeType: mime }] : [];
}
