// Files of the workspace.
import * as z from "zod";
import {
  FileContent,
  FileInput,
  FileList,
  FileWritten,
  ListQuery,
  SearchAnswer,
  SearchQuery,
} from "../../contract/files.ts";
import { FILES } from "../../contract/routes/files.ts";
import { contentTypeOf } from "../../lib/files/content-type.ts";
import { intInput } from "../paging.ts";
import { plural, TEXT_CHARACTERS } from "../text.ts";
import { tool } from "../tool.ts";
import type { Tool } from "../tool.ts";
import { linesOf } from "./lines.ts";

const LINES = 2000;
/** Of an image that is shown, as base64. */
const IMAGE_CHARACTERS = 4 * 1024 * 1024;
const reading = { readOnlyHint: true, openWorldHint: false };

export const fileTools: readonly Tool[] = [
  tool({
    name: "write_file",
    title: "Write a file",
    description: "Write a file of the workspace whole, over what was there. Directories on the way are made.",
    input: FileInput.shape,
    output: FileWritten.shape,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    async run({ api, ref }, file) {
      const written = await api.call(FILES.writeFiles, { body: { sessionId: ref, files: [file] } });
      const [first = { path: file.path, size: 0 }] = "files" in written ? written.files : [written];
      return { text: `Wrote ${plural(first.size, "byte")} to ${first.path}.`, data: first };
    },
  }),
  tool({
    name: "read_file",
    title: "Read a file",
    description:
      "Read a file of the workspace as text, or look at an image. Of a long file a part is shown: go on with `firstLine`.",
    input: {
      path: FileContent.shape.path.min(1).meta({ description: "Relative to /workspace, or absolute inside it" }),
      firstLine: z.int().min(1).default(1).meta({ description: "Counted from 1" }),
      lines: z.int().min(1).max(LINES).default(LINES).meta({ description: "At the most" }),
    },
    output: {
      ...FileContent.omit({ content: true }).shape,
      totalLines: z.int().nullable().meta({ description: "null: it is not text" }),
      truncated: z.boolean().meta({ description: "There is more after what is shown" }),
    },
    annotations: reading,
    async run({ api, ref }, { path, firstLine, lines }) {
      const { content, ...file } = await api.call(FILES.readFile, { query: { sessionId: ref, path } });
      if (file.encoding === "base64") {
        const mimeType = contentTypeOf(file.path);
        const data = { ...file, totalLines: null, truncated: false };
        const text = `${file.path} is not text: ${mimeType}, ${plural(file.size, "byte")}.`;
        const shown = mimeType.startsWith("image/") && content.length <= IMAGE_CHARACTERS;
        return shown ? { text, data, more: [{ type: "image", data: content, mimeType }] } : { text, data };
      }
      const part = linesOf(content, { first: firstLine, most: lines, characters: TEXT_CHARACTERS });
      const note = part.next === null ? "" : `\n(${part.total} lines in all. Go on with firstLine ${part.next}.)`;
      return {
        text: content === "" ? `${file.path} is empty.` : part.text + note,
        data: { ...file, totalLines: part.total, truncated: part.next !== null },
      };
    },
  }),
  tool({
    name: "list_files",
    title: "List files",
    description: "List a directory of the workspace, sorted by path.",
    input: {
      path: ListQuery.shape.path,
      recursive: z.boolean().default(false).meta({ description: "With everything below" }),
      limit: intInput(ListQuery.shape.limit),
      offset: intInput(ListQuery.shape.offset),
    },
    output: FileList.shape,
    annotations: reading,
    async run({ api, ref }, { path, recursive, limit, offset }) {
      const query = { path, recursive: recursive ? "true" : "false", limit: `${limit}`, offset: `${offset}` } as const;
      const list = await api.call(FILES.listFiles, { query: { ...query, sessionId: ref } });
      const rows = list.files.map(({ path, type, size }) =>
        type === "file" ? `${path} (${plural(size, "byte")})` : `${path}${type === "directory" ? "/" : ` (${type})`}`,
      );
      const next = offset + list.files.length;
      const more = next < list.total ? [`(${list.total} in all. Go on with offset ${next}.)`] : [];
      return { text: rows.length === 0 ? "There are no files here." : [...rows, ...more].join("\n"), data: list };
    },
  }),
  tool({
    name: "search_files",
    title: "Search files",
    description:
      "Find lines of the workspace's files that hold a text. For regular expressions, run_command with grep.",
    input: { q: SearchQuery.shape.q, glob: SearchQuery.shape.glob, limit: intInput(SearchQuery.shape.limit) },
    output: SearchAnswer.shape,
    annotations: reading,
    async run({ api, ref }, { q, glob, limit }) {
      const found = await api.call(FILES.searchFiles, { params: { id: ref }, query: { q, glob, limit: `${limit}` } });
      const rows = found.matches.map(({ path, line, text }) => `${path}:${line}: ${text}`);
      const more = found.truncated ? ["(There are more. Search for something rarer, or give a glob.)"] : [];
      return { text: rows.length === 0 ? "No line holds that." : [...rows, ...more].join("\n"), data: found };
    },
  }),
];
