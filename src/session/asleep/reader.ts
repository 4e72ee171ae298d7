// Answers the reads of a sleeping session from its newest snapshot in R2, in the very words of its supervisor
// (src/contract/supervisor.ts): whoever asks cannot tell that there is no container. One lives as long as the session
// sleeps on this snapshot; it holds what it has read of the manifest.
import { problemResponse } from "../../contract/errors.ts";
import type { FileEntry, FileList } from "../../contract/files.ts";
import { SEARCH_MATCHES } from "../../contract/limits.ts";
import type { Digest, TreeNode } from "../../contract/manifest.ts";
import type { Version } from "../../lib/files/conditions.ts";
import { planDownload } from "../../lib/files/download.ts";
import { checkContentSize, contentOf, entryOf } from "../../lib/files/entry.ts";
import { invalid, isHidden, shownPath } from "../../lib/files/paths.ts";
import { isRecursive, queryNumber, queryPath, RAW, rawPath } from "../../lib/files/query.ts";
import { describe, logError } from "../../lib/log.ts";
import { openStream } from "../../lib/open-stream.ts";
import { EVENT_STREAM_HEADERS } from "../../lib/output-events.ts";
import { ProblemError } from "../../lib/problem-error.ts";
import { DamagedObject } from "../bundle.ts";
import { AsleepContexts } from "./contexts.ts";
import { AsleepExecutions } from "./executions.ts";
import { packTree } from "./archive.ts";
import { readPart, readWhole, wholeOf } from "./contents.ts";
import { Frames } from "./frames.ts";
import { Manifest } from "./manifest.ts";
import { searchTree } from "./search.ts";
import { closed, Tree } from "./tree.ts";

/** Up to here a file is read whole before its answer begins, so that damage is an error and no broken body. */
const SMALL_BYTES = 1024 * 1024;

export interface AsleepOptions {
  /** For messages: the snapshot that `root` belongs to. */
  readonly snapshotId: string;
  /** Told of every object that turned out to be missing or different. Must not throw. */
  readonly onDamage: (digest: Digest) => void;
}

const CONTEXT = /^\/contexts\/(ctx_[0-9a-z]{20})(\/interrupt)?$/;
const EXECUTION = /^\/executions\/(exe_[0-9a-z]{20})(\/output)?$/;

export class AsleepReader {
  readonly #tree: Tree;
  readonly #executions: AsleepExecutions;
  readonly #contexts: AsleepContexts;
  readonly #options: AsleepOptions;

  constructor(bucket: R2Bucket, repositoryId: string, root: Digest, options: AsleepOptions) {
    this.#tree = new Tree(new Manifest(new Frames(bucket, repositoryId), root));
    this.#executions = new AsleepExecutions(this.#tree.manifest);
    this.#contexts = new AsleepContexts(this.#tree.manifest);
    this.#options = options;
  }

  /** Null for everything but a read of files, or of what is recorded of executions and contexts. Never throws: what fails is an answer. */
  async answer(request: Request): Promise<Response | null> {
    const url = new URL(request.url);
    const handle = this.#handlerOf(request, url);
    if (handle === null) {
      return null;
    }
    try {
      return await labelled(await handle());
    } catch (error) {
      const failure = await labelled(this.#failed(error, url));
      return request.method === "HEAD" ? await withoutBody(failure) : failure;
    }
  }

  #handlerOf(request: Request, url: URL): (() => Promise<Response>) | null {
    if (url.pathname.startsWith(RAW)) {
      const isRead = request.method === "GET" || request.method === "HEAD";
      return isRead ? () => this.#download(request, url) : null;
    }
    const [, contextId, interrupt] = CONTEXT.exec(url.pathname) ?? [];
    if (contextId !== undefined && request.method === (interrupt === undefined ? "GET" : "POST")) {
      return () => this.#context(contextId, interrupt !== undefined);
    }
    if (request.method !== "GET") {
      return null;
    }
    switch (url.pathname) {
      case "/files/read":
        return () => this.#read(url);
      case "/files/list":
        return () => this.#list(url);
      case "/files/search":
        return () => this.#search(request, url);
      case "/archive":
        return () => this.#archive();
      case "/executions":
        return async () =>
          Response.json(await this.#executions.list(queryNumber(url, "limit", 50), queryNumber(url, "offset", 0)));
      case "/contexts":
        return async () => Response.json(await this.#contexts.list());
      default:
        return this.#executionHandlerOf(request, url);
    }
  }

  #executionHandlerOf(request: Request, url: URL): (() => Promise<Response>) | null {
    const [, id, output] = EXECUTION.exec(url.pathname) ?? [];
    if (id === undefined) {
      return null;
    }
    if (output === undefined) {
      return async () => Response.json(await this.#executions.record(id));
    }
    const after = queryNumber(url, "after", 0);
    return request.headers.get("accept")?.includes("text/event-stream") === true
      ? () => this.#followOutput(id, after)
      : async () => Response.json(await this.#executions.output(id, after));
  }

  /** Nothing runs in it, so an interrupt has nothing to do. */
  async #context(id: string, isInterrupt: boolean): Promise<Response> {
    const context = await this.#contexts.get(id);
    return Response.json(isInterrupt ? { interrupted: false } : context);
  }

  async #followOutput(id: string, after: number): Promise<Response> {
    const events = await this.#executions.events(id, after);
    const body = await openStream(events, (error) => this.#broken(error));
    return new Response(body, { headers: EVENT_STREAM_HEADERS });
  }

  async #download(request: Request, url: URL): Promise<Response> {
    const relative = rawPath(url);
    const file = await this.#tree.openFile(relative);
    const plan = planDownload(request, relative, file);
    if (plan.answer !== null) {
      return plan.answer;
    }
    const { part, init } = plan;
    const { frames } = this.#tree.manifest;
    const sizeBytes = part.last - part.first + 1;
    const headers = new Headers(init.headers);
    headers.set("content-length", String(sizeBytes));
    if (sizeBytes <= SMALL_BYTES) {
      return new Response(await readWhole(frames, file, part), { ...init, headers });
    }
    const body = await openStream(readPart(frames, file, part), (error) => this.#broken(error));
    return new Response(body, { ...init, headers });
  }

  async #read(url: URL): Promise<Response> {
    const relative = queryPath(url);
    const file = await this.#tree.openFile(relative);
    checkContentSize(relative, file.size);
    const bytes = await readWhole(this.#tree.manifest.frames, file, wholeOf(file));
    return Response.json(contentOf(relative, bytes, file.mtimeNs));
  }

  async #list(url: URL): Promise<Response> {
    const relative = queryPath(url, ".");
    const limit = queryNumber(url, "limit", 50);
    const offset = queryNumber(url, "offset", 0);
    const itself = await this.#tree.peek(relative);
    if (itself?.type === "file" || itself?.type === "hardlink") {
      throw invalid(`${shownPath(relative)} is a file, not a directory`);
    }
    const files: FileEntry[] = [];
    let total = 0;
    for await (const found of this.#tree.walk(relative, { recursive: isRecursive(url), skip: isHidden })) {
      const position = total++;
      if (position >= offset && files.length < limit) {
        if (found.isSealed) {
          throw closed(found.name);
        }
        files.push(entryOf(found.path, found.type, await this.#versionOf(found.node)));
      }
    }
    return Response.json({ files, total } satisfies FileList);
  }

  async #versionOf(node: TreeNode): Promise<Version> {
    switch (node.type) {
      case "directory":
        return { size: 0, mtimeNs: node.mtimeNs };
      case "symlink":
        return { size: node.target.length, mtimeNs: node.mtimeNs };
      case "file":
      case "hardlink":
        break;
    }
    return this.#tree.manifest.fileOf(node);
  }

  async #search(request: Request, url: URL): Promise<Response> {
    const answer = await searchTree(this.#tree, {
      text: url.searchParams.get("q") ?? "",
      glob: url.searchParams.get("glob"),
      limit: Math.min(queryNumber(url, "limit", 100), SEARCH_MATCHES),
      signal: request.signal,
    });
    return Response.json(answer);
  }

  async #archive(): Promise<Response> {
    const body = await openStream(packTree(this.#tree), (error) => this.#broken(error));
    return new Response(body, {
      headers: { "content-type": "application/gzip", "content-disposition": 'attachment; filename="workspace.tar.gz"' },
    });
  }

  #failed(error: unknown, url: URL): Response {
    if (error instanceof ProblemError) {
      return problemResponse(error.problem);
    }
    this.#broken(error);
    if (error instanceof DamagedObject) {
      return problemResponse({
        code: "internal_error",
        message: `Snapshot ${this.#options.snapshotId} is damaged and cannot be read here; execute something to wake the session on the newest one that is whole`,
        details: { snapshotId: this.#options.snapshotId, object: error.digest },
      });
    }
    return problemResponse({ code: "internal_error", message: `${url.pathname} could not be read from the snapshot` });
  }

  /** Of a body under way, nothing else can be told: it breaks. */
  #broken(error: unknown): void {
    logError("asleep_read_failed", { snapshotId: this.#options.snapshotId, reason: describe(error) });
    if (error instanceof DamagedObject) {
      this.#options.onDamage(error.digest);
    }
  }
}

/** JSON is called what the supervisor calls it, and has its length. */
async function labelled(response: Response): Promise<Response> {
  const { status, headers } = response;
  if (headers.get("content-type") !== "application/json") {
    return response;
  }
  const body = await response.arrayBuffer();
  headers.set("content-type", "application/json;charset=utf-8");
  headers.set("content-length", String(body.byteLength));
  return new Response(body, { status, headers });
}

async function withoutBody(response: Response): Promise<Response> {
  const { status, headers } = response;
  headers.set("content-length", String((await response.arrayBuffer()).byteLength));
  return new Response(null, { status, headers });
}
