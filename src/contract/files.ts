// Files on the wire. Paths in answers are relative to /workspace.
import * as z from "zod";
import { SEARCH_MATCHES } from "./limits.ts";
import { booleanQuery, Encoding, intQuery, IsoTime, Paging, Text, WorkspacePath } from "./primitives.ts";
import { SessionRef } from "./session.ts";

const Base64 = z.base64();

export const FileInput = z
  .strictObject({ path: WorkspacePath, content: Text, encoding: Encoding.optional() })
  .refine((file) => file.encoding !== "base64" || Base64.safeParse(file.content).success, {
    message: "is not base64",
    path: ["content"],
  })
  .meta({ id: "FileInput" });
export type FileInput = z.infer<typeof FileInput>;

export const WriteFiles = z
  .strictObject({
    sessionId: SessionRef,
    path: WorkspacePath.optional(),
    content: Text.optional(),
    encoding: Encoding.optional(),
    files: z.array(FileInput).min(1).optional(),
  })
  .refine((body) => (body.files === undefined) === (body.path !== undefined && body.content !== undefined), {
    message: "give either path and content, or files",
    path: ["path"],
  })
  .refine((body) => body.encoding !== "base64" || Base64.safeParse(body.content ?? "").success, {
    message: "is not base64",
    path: ["content"],
  })
  .meta({ id: "WriteFiles" });
export type WriteFiles = z.infer<typeof WriteFiles>;

export const FileWritten = z.object({ path: z.string(), size: z.int() }).meta({ id: "FileWritten" });
export type FileWritten = z.infer<typeof FileWritten>;
export const FilesWritten = z.union([FileWritten, z.object({ files: z.array(FileWritten) })]);

export const FileContent = z
  .object({ path: z.string(), content: z.string(), encoding: Encoding, size: z.int(), modified: IsoTime })
  .meta({ id: "FileContent", description: "Text as utf-8, other bytes as base64" });
export type FileContent = z.infer<typeof FileContent>;

export const FileEntry = z
  .object({
    path: z.string(),
    size: z.int(),
    modified: IsoTime,
    type: z.enum(["file", "directory", "symlink", "other"]),
  })
  .meta({ id: "FileEntry" });
export type FileEntry = z.infer<typeof FileEntry>;

export const FileList = z
  .object({ files: z.array(FileEntry), total: z.int() })
  .meta({ id: "FileList", description: "Sorted by path; `.buntime` is left out unless asked for by its path" });
export type FileList = z.infer<typeof FileList>;

export const MoveFile = z
  .strictObject({
    sessionId: SessionRef,
    from: WorkspacePath,
    to: WorkspacePath,
    overwrite: z.boolean().default(false),
  })
  .meta({ id: "MoveFile" });
export type MoveFile = z.infer<typeof MoveFile>;

export const MakeDirectory = z
  .strictObject({ sessionId: SessionRef, path: WorkspacePath })
  .meta({ id: "MakeDirectory", description: "Parents are made; one that is there already is fine" });
export type MakeDirectory = z.infer<typeof MakeDirectory>;

export const FileDeleted = z.object({ deleted: z.literal(true), path: z.string() }).meta({ id: "FileDeleted" });

export const SearchAnswer = z
  .object({
    matches: z.array(z.object({ path: z.string(), line: z.int().positive(), text: z.string() })),
    truncated: z.boolean().meta({ description: "There are more matches than were asked for" }),
  })
  .meta({ id: "SearchAnswer" });
export type SearchAnswer = z.infer<typeof SearchAnswer>;

export const FileQuery = z.object({ sessionId: SessionRef, path: WorkspacePath });
export const ListQuery = Paging.extend({
  sessionId: SessionRef,
  path: WorkspacePath.default("/workspace"),
  recursive: booleanQuery,
});
export const DeleteQuery = FileQuery.extend({ recursive: booleanQuery });
export const SearchQuery = z.object({
  q: Text.min(1).max(1024).meta({ description: "Plain text that a line must hold" }),
  glob: Text.min(1).max(1024).optional().meta({ description: "Only files whose path matches, such as src/**/*.ts" }),
  limit: intQuery({ min: 1, max: SEARCH_MATCHES, default: 100 }),
});
