// Executions and processes over HTTP. Requests come from the session object, which has checked them by the contract.
import type { OutputPage, ProcessList } from "../../../src/contract/execute.ts";
import { OUTPUT_PAGE_BYTES } from "../../../src/contract/limits.ts";
import type { ExecuteCommand, FreezeAnswer, KillCommand, ServicesCommand } from "../../../src/contract/supervisor.ts";
import { SupervisorError } from "../problem.ts";
import { executionStream, outputStream } from "./event-stream.ts";
import type { Executions } from "./executions.ts";
import { toOutputChunk } from "./output-file.ts";
import type { Processes } from "./processes.ts";

/** The session waits for its freeze; contexts that take longer to save go on, and it asks again. */
const FREEZE_SAVE_MS = 3000;

/** In a process of its own, or in a context. */
export async function execute({ executions, contexts }: Processes, request: Request): Promise<Response> {
  const command = await readJson<ExecuteCommand>(request);
  const execution = await (command.context === undefined ? executions.start(command) : contexts.run(command));
  if (command.stream) {
    if (command.cancelOnDisconnect) {
      const leave = (): void => void execution.end({ reason: "disconnected" });
      request.signal.addEventListener("abort", leave);
      void execution.finished.then(() => request.signal.removeEventListener("abort", leave));
    }
    return executionStream(execution, request.signal);
  }
  return Response.json(await execution.answer);
}

export async function kill(executions: Executions, request: Request): Promise<Response> {
  return Response.json(await executions.kill(await readJson<KillCommand>(request)));
}

export async function stop({ executions }: Processes): Promise<Response> {
  await executions.stop();
  return Response.json({ stopped: true });
}

/** What ended with an earlier container only the session knows. */
export function listProcesses({ executions, services }: Processes): Response {
  const list: ProcessList = { processes: executions.processes(), services: services.statuses(), ended: null };
  return Response.json(list);
}

/** @param otherCalls tells how many there are that change files and have not been answered */
export async function freeze(processes: Processes, otherCalls: () => number): Promise<Response> {
  const { executions, contexts, services, freezer } = processes;
  const thaws = freezer.thaws;
  // What stands still cannot save itself any more.
  if (executions.busy === 0) await contexts.save(FREEZE_SAVE_MS);
  const busy = executions.busy + services.pending + otherCalls() + Number(contexts.isSaving);
  const mayFreeze = busy === 0 && thaws === freezer.thaws;
  const answer: FreezeAnswer = { frozen: mayFreeze && (await freezer.freeze()), busy };
  return Response.json(answer);
}

export async function thaw({ freezer }: Processes): Promise<Response> {
  await freezer.thaw();
  return Response.json({ thawed: true });
}

export async function putServices({ freezer, services }: Processes, request: Request): Promise<Response> {
  const { services: wanted } = await readJson<ServicesCommand>(request);
  await freezer.thaw();
  return Response.json({ services: await services.put(wanted) });
}

export function listExecutions(executions: Executions, url: URL): Response {
  return Response.json(executions.list(numberIn(url, "limit", 50), numberIn(url, "offset", 0)));
}

export function readOutput(executions: Executions, id: string, request: Request, url: URL): Response {
  const source = executions.output(id);
  const after = numberIn(url, "after", 0);
  if (request.headers.get("accept")?.includes("text/event-stream") === true) {
    const until = url.searchParams.get("until") === "answer" ? "answer" : "end";
    return outputStream(source, { after, until }, request.signal);
  }
  const closed = source.log?.closed ?? true;
  const chunks = source.read(after, OUTPUT_PAGE_BYTES).map(toOutputChunk);
  const lastSeq = chunks.at(-1)?.seq ?? after;
  const done = closed && source.read(lastSeq, 1).length === 0;
  const page: OutputPage = { chunks, lastSeq, done, outcome: source.record.outcome };
  return Response.json(page);
}

function numberIn(url: URL, name: string, fallback: number): number {
  const text = url.searchParams.get(name) ?? String(fallback);
  if (!/^\d{1,9}$/.test(text)) throw new SupervisorError("invalid_request", `${name} is not a whole number: ${text}`);
  return Number(text);
}

async function readJson<T>(request: Request): Promise<T> {
  try {
    // SAFETY: the session object sends what the contract's types say, with our token.
    return (await request.json()) as T;
  } catch {
    throw new SupervisorError("invalid_request", "The body is not JSON");
  }
}
