// Files of sessions as resources, `buntime://<session>/<path>`. Listed are those of the default session.
import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  ResourceTemplate,
} from "@modelcontextprotocol/server";
import type { ListResourcesResult, McpServer, ReadResourceResult } from "@modelcontextprotocol/server";
import { FILES } from "../contract/routes/files.ts";
import { SessionRef } from "../contract/session.ts";
import { contentTypeOf } from "../lib/files/content-type.ts";
import { ProblemError } from "../lib/problem-error.ts";
import type { ToolContext } from "./tool.ts";

const URI = /^buntime:\/\/([^/?#]+)\/([^?#]+)$/;
const PAGE = 100;

export function registerResources(server: McpServer, context: ToolContext): void {
  server.registerResource(
    "file",
    new ResourceTemplate("buntime://{session}/{+path}", { list: undefined }),
    {
      title: "A file of a session",
      description:
        "`session` is an id or a name; `path` is relative to /workspace. Text as text, other bytes as a blob.",
    },
    (uri) => read(uri.href, context),
  );
  // In place of the one that came with the template, which cannot page.
  server.server.setRequestHandler("resources/list", ({ params }) => list(params?.cursor, context));
  server.server.setRequestHandler("resources/read", ({ params }) => read(params.uri, context));
}

async function list(cursor: string | undefined, { api, defaultSession }: ToolContext): Promise<ListResourcesResult> {
  if (cursor !== undefined && !/^\d{1,9}$/.test(cursor)) {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, "The cursor is none of this server's. Begin without one.");
  }
  const offset = Number(cursor ?? 0);
  const { ref } = defaultSession;
  try {
    const query = { sessionId: ref, recursive: "true", limit: `${PAGE}`, offset: `${offset}` } as const;
    const { files, total } = await api.call(FILES.listFiles, { query });
    const next = offset + files.length;
    return {
      resources: files
        .filter(({ type }) => type === "file")
        .map(({ path, size, modified }) => ({
          uri: uriOf(ref, path),
          name: path,
          mimeType: contentTypeOf(path),
          size,
          annotations: { lastModified: modified },
        })),
      ...(files.length > 0 && next < total ? { nextCursor: `${next}` } : {}),
    };
  } catch (error) {
    // Nothing has used it yet; looking is no reason to make it.
    if (error instanceof ProblemError && error.problem.code === "session_not_found") {
      return { resources: [] };
    }
    throw asProtocolError(error, null);
  }
}

async function read(uri: string, { api }: ToolContext): Promise<ReadResourceResult> {
  const { session, path } = parse(uri);
  try {
    const { content, encoding } = await api.call(FILES.readFile, { query: { sessionId: session, path } });
    const mimeType = contentTypeOf(path);
    return {
      contents: [encoding === "utf-8" ? { uri, mimeType, text: content } : { uri, mimeType, blob: content }],
    };
  } catch (error) {
    throw asProtocolError(error, uri);
  }
}

function uriOf(session: string, path: string): string {
  return `buntime://${session}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

function parse(uri: string): { session: string; path: string } {
  const [, session = "", encoded = ""] = URI.exec(uri) ?? [];
  let path = "";
  try {
    path = decodeURIComponent(encoded);
  } catch {
    // Refused below.
  }
  if (path === "" || !SessionRef.safeParse(session).success) {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, "A resource is named buntime://<session>/<path>.", {
      uri: uri.slice(0, 200),
    });
  }
  return { session, path };
}

function asProtocolError(error: unknown, uri: string | null): unknown {
  if (!(error instanceof ProblemError)) {
    return error;
  }
  const { code, message } = error.problem;
  if (uri !== null && (code === "session_not_found" || code === "file_not_found")) {
    return new ResourceNotFoundError(uri, message);
  }
  const mine = code === "invalid_request" ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError;
  return new ProtocolError(mine, `${code}: ${message}`);
}
