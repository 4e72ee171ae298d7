// Contexts of the real supervisor, as the session asks for them.
import type { RunAnswer } from "../../../src/contract/context-run.ts";
import type { Context, ContextLanguage, ContextList } from "../../../src/contract/contexts.ts";
import { newId } from "../../../src/contract/ids.ts";
import type { ExecuteCommand } from "../../../src/contract/supervisor.ts";
import { command, refusalOf } from "../process/harness.ts";
import type { Refusal, TestSupervisor } from "../process/harness.ts";

/** Of the supervisor: what every user may run. */
export const PROGRAMS = { PATH: "/usr/local/bin:/usr/bin:/bin" };
export const hasPython = Bun.which("python3", PROGRAMS) !== null;
export const hasLibraries =
  hasPython &&
  Bun.spawnSync(["python3", "-c", "import pandas, matplotlib"], { env: PROGRAMS, stderr: "ignore" }).success;

export class TestContext {
  readonly id: string;
  readonly #supervisor: TestSupervisor;

  constructor(supervisor: TestSupervisor, id: string) {
    this.#supervisor = supervisor;
    this.id = id;
  }

  static async create(
    supervisor: TestSupervisor,
    language: ContextLanguage = "python",
    workingDir = "/workspace",
  ): Promise<TestContext> {
    const body = JSON.stringify({ id: newId("ctx"), language, name: null, workingDir });
    const { id } = await supervisor.json<Context>("/contexts", { method: "POST", body });
    return new TestContext(supervisor, id);
  }

  command(code: string, partial: Partial<ExecuteCommand> = {}): ExecuteCommand {
    return command({ context: this.id, code, ...partial });
  }

  async run(code: string, partial: Partial<ExecuteCommand> = {}): Promise<RunAnswer> {
    const body = JSON.stringify(this.command(code, partial));
    return await this.#supervisor.json<RunAnswer>("/execute", { method: "POST", body });
  }

  /** The plain text of the last expression. */
  async value(code: string, partial: Partial<ExecuteCommand> = {}): Promise<string | undefined> {
    const { results, error } = await this.run(code, partial);
    if (error !== null) throw new Error(`${error.name}: ${error.message}`);
    return results.find(({ main }) => main)?.text;
  }

  async refusal(code: string, partial: Partial<ExecuteCommand> = {}): Promise<Refusal> {
    return refusalOf(await this.#supervisor.post("/execute", this.command(code, partial)));
  }

  look(): Promise<Context> {
    return this.#supervisor.json<Context>(`/contexts/${this.id}`);
  }

  async interrupt(): Promise<boolean> {
    const answer = await this.#supervisor.json<{ interrupted: boolean }>(`/contexts/${this.id}/interrupt`, {
      method: "POST",
    });
    return answer.interrupted;
  }

  delete(): Promise<unknown> {
    return this.#supervisor.json(`/contexts/${this.id}`, { method: "DELETE" });
  }
}

export function listContexts(supervisor: TestSupervisor): Promise<ContextList> {
  return supervisor.json<ContextList>("/contexts");
}

/** Begins a snapshot, as the session does. Contexts have been saved when it answers. */
export async function beginSnapshot(supervisor: TestSupervisor): Promise<void> {
  await supervisor.json("/snapshot", { method: "POST", body: JSON.stringify({ base: null, avoid: [] }) });
  await supervisor.json("/snapshot", { method: "DELETE" });
}
