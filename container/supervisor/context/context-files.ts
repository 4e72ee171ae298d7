// What a context is and what its variables were, in `.buntime/contexts/<id>`: `context.json`, the supervisor's own, and
// `values/`, where the interpreter saves as the session's user. The supervisor never reads what is in there, and follows
// no link to it: user code may put anything in the place of anything.
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import type { ContextLanguage, DroppedValue, LostContext } from "../../../src/contract/contexts.ts";
import { CONTEXT_ID } from "../../../src/contract/ids.ts";
import { CONTEXTS } from "../../../src/contract/limits.ts";
import { CONTEXT_FILE, CONTEXT_FILE_BYTES, CONTEXTS_DIRECTORY } from "../../../src/lib/context-record.ts";
import type { StoredContext } from "../../../src/lib/context-record.ts";
import { OWN_DIRECTORY } from "../../../src/lib/files/paths.ts";
import type { Config } from "../config.ts";
import { spawnIdentity } from "../linux/credentials.ts";
import type { DataDirectory } from "../process/data-directory.ts";
import { isObject, toDropped } from "./kernel-events.ts";

/** What the supervisor knows beyond what a sleeping session shows. */
export interface KeptContext extends StoredContext {
  /** Runs that have been begun: each has a file name of its own in tracebacks. */
  readonly runs: number;
  /** When its variables were last saved; null: they are not. */
  readonly savedAt: string | null;
  /** When the first run began since; null: nothing has run. */
  readonly unsavedSince: string | null;
  /** What could not be saved then. */
  readonly dropped: readonly DroppedValue[];
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const DRAFT = `${CONTEXT_FILE}.new`;
const VALUES = "values";
/** Of those that are kept, so that the file stays one of ours. */
const DROPPED_BYTES = CONTEXT_FILE_BYTES / 2;
const LANGUAGES: readonly ContextLanguage[] = ["javascript", "typescript", "python"];

export class ContextFiles {
  readonly #config: Pick<Config, "workspace" | "user">;
  readonly #directory: DataDirectory;

  constructor(config: Pick<Config, "workspace" | "user">, directory: DataDirectory) {
    this.#config = config;
    this.#directory = directory;
  }

  /** Oldest first. What is none of ours is passed over. */
  load(): KeptContext[] {
    if (!existsSync(`${this.#config.workspace}/${OWN_DIRECTORY}/${CONTEXTS_DIRECTORY}`)) return [];
    const names = readdirSync(this.#directory.path("contexts")).filter((name) => CONTEXT_ID.test(name));
    const contexts = names.flatMap((id) => this.#read(id) ?? []);
    return contexts
      .toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt) || (a.id < b.id ? -1 : 1))
      .slice(0, CONTEXTS.most);
  }

  /** Whole, or as it was. @throws on a full disk */
  write(context: KeptContext): void {
    const text = JSON.stringify({ ...context, dropped: shortened(context.dropped) });
    this.#inside(context.id, (directory) => {
      const draft = `${directory}/${DRAFT}`;
      remove(draft);
      const fd = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
      try {
        writeFileSync(fd, text);
      } finally {
        closeSync(fd);
      }
      renameSync(draft, `${directory}/${CONTEXT_FILE}`);
    });
  }

  /** Where the interpreter saves, made if it is gone. As user code knows it. */
  valuesOf(id: string): string {
    this.#inside(id, (directory) => closeSync(this.#directory.openOrMake(`${directory}/${VALUES}`, "user")));
    return `${this.#config.workspace}/${OWN_DIRECTORY}/${CONTEXTS_DIRECTORY}/${id}/${VALUES}`;
  }

  /** With what was saved. What cannot be removed is left lying, and is no context any more. */
  async remove(id: string): Promise<void> {
    const parent = this.#directory.path("contexts");
    const fd = this.#directory.openOrMake(`${parent}/${id}`, "supervisor");
    const directory = `/proc/self/fd/${fd}`;
    try {
      for (const name of [CONTEXT_FILE, DRAFT]) remove(`${directory}/${name}`);
      if (!removeDirectory(`${directory}/${VALUES}`)) {
        // As the user, and by descriptors: what is in there may be changed at the same time.
        const child = Bun.spawn(["rm", "-rf", "--", `./${VALUES}`], {
          ...spawnIdentity(this.#config.user),
          cwd: directory,
          env: { PATH: "/usr/bin:/bin" },
          stdio: ["ignore", "ignore", "ignore"],
        });
        await child.exited;
        removeDirectory(`${directory}/${VALUES}`);
      }
    } finally {
      closeSync(fd);
    }
    removeDirectory(`${this.#directory.path("contexts")}/${id}`);
  }

  #inside(id: string, action: (directory: string) => void): void {
    const fd = this.#directory.openOrMake(`${this.#directory.path("contexts")}/${id}`, "supervisor");
    try {
      action(`/proc/self/fd/${fd}`);
    } finally {
      closeSync(fd);
    }
  }

  #read(id: string): KeptContext | null {
    try {
      let text = "";
      this.#inside(id, (directory) => {
        const fd = openSync(`${directory}/${CONTEXT_FILE}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        try {
          const stat = fstatSync(fd);
          if (stat.isFile() && stat.size <= CONTEXT_FILE_BYTES) text = readFileSync(fd, "utf8");
        } finally {
          closeSync(fd);
        }
      });
      return parseContext(id, text);
    } catch {
      return null;
    }
  }
}

/** Null for what the supervisor has not written. */
export function parseContext(id: string, text: string): KeptContext | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(value) || value["id"] !== id) return null;
  const language = LANGUAGES.find((each) => each === value["language"]);
  const [createdAt, workingDir, runs] = [toTime(value["createdAt"]), value["workingDir"], value["runs"]];
  if (language === undefined || createdAt === null || typeof workingDir !== "string") return null;
  const { name, lost } = value;
  return {
    id,
    language,
    name: typeof name === "string" ? name : null,
    createdAt,
    lastRunAt: toTime(value["lastRunAt"]),
    workingDir,
    startedAt: toTime(value["startedAt"]),
    lost: toLost(lost),
    runs: typeof runs === "number" && Number.isSafeInteger(runs) && runs >= 0 ? runs : 0,
    savedAt: toTime(value["savedAt"]),
    unsavedSince: toTime(value["unsavedSince"]),
    dropped: toDropped(value["dropped"]),
  };
}

function toTime(value: unknown): string | null {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}

function toLost(value: unknown): LostContext | null {
  if (!isObject(value)) return null;
  const at = toTime(value["at"]);
  return at === null || typeof value["reason"] !== "string" ? null : { at, reason: value["reason"] };
}

/** As many as fit, and how many did not. */
function shortened(dropped: readonly DroppedValue[]): readonly DroppedValue[] {
  let bytes = 0;
  const kept = dropped.findIndex((entry) => (bytes += Buffer.byteLength(JSON.stringify(entry))) > DROPPED_BYTES);
  if (kept < 0) return dropped;
  return [...dropped.slice(0, kept), { name: "…", reason: `${dropped.length - kept} more were dropped` }];
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // There is none.
  }
}

/** False where there is one and it is not empty. */
function removeDirectory(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT";
  }
}
