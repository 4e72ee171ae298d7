// Files on their way up: a few at once, each with its progress; one can be cancelled, and a failed one tried again.
import { computed, effect, signal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";

export interface Upload {
  readonly id: number;
  /** Where it goes. */
  readonly path: string;
  readonly size: number;
  readonly sent: number;
  readonly state: "waiting" | "running" | "done" | "failed" | "cancelled";
  /** Why it failed. */
  readonly problem: string | null;
  /** It failed because something is there already: it can be replaced. */
  readonly isThere: boolean;
}

/** What is sent: a browser's File will do. */
export interface UploadSource {
  readonly size: number;
}

export interface SendOptions {
  readonly signal: AbortSignal;
  readonly replace: boolean;
  readonly onProgress: (sent: number) => void;
}

/** How a try ended that failed. */
export interface UploadFailure {
  readonly problem: string;
  readonly isThere: boolean;
}

export interface Uploads<Source extends UploadSource> {
  readonly all: ReadonlySignal<readonly Upload[]>;
  readonly isBusy: ReadonlySignal<boolean>;
  readonly add: (files: readonly { readonly path: string; readonly source: Source }[]) => void;
  readonly cancel: (id: number) => void;
  readonly cancelAll: () => void;
  /** Tries again one that failed or was cancelled. `replace`: writes over what is there. */
  readonly retry: (id: number, replace?: boolean) => void;
  /** Forgets what has ended. */
  readonly clear: () => void;
  /** Where those were to go that were under way when the page was left. */
  readonly cutOff: ReadonlySignal<readonly string[]>;
  readonly forgetCutOff: () => void;
}

/** Paths, as a page leaves them to the one that comes after it. */
export interface UploadJournal {
  read(): readonly string[];
  write(paths: readonly string[]): void;
}

interface Task<Source> {
  readonly source: Source;
  readonly replace: boolean;
}

const AT_ONCE = 3;

export function createUploads<Source extends UploadSource>(how: {
  /** Null: it is there now. Never rejects. */
  readonly send: (path: string, source: Source, options: SendOptions) => Promise<UploadFailure | null>;
  /** Called when nothing is under way any more. */
  readonly onIdle: () => void;
  /** Keeps the paths of what is under way over the end of the page. */
  readonly journal: UploadJournal;
}): Uploads<Source> {
  const all = signal<readonly Upload[]>([]);
  const tasks = new Map<number, Task<Source>>();
  const running = new Map<number, AbortController>();
  const cutOff = signal(how.journal.read());
  let last = 0;
  effect(() => {
    const open = all.value.filter(({ state }) => state === "waiting" || state === "running").map(({ path }) => path);
    how.journal.write([...new Set([...cutOff.value, ...open])]);
  });

  const change = (id: number, to: Partial<Upload>): void => {
    all.value = all.peek().map((upload) => (upload.id === id ? Object.assign({}, upload, to) : upload));
  };
  const next = (): void => {
    for (const upload of all.peek()) {
      if (running.size >= AT_ONCE) return;
      const task = tasks.get(upload.id);
      if (upload.state === "waiting" && task !== undefined) void run(upload, task);
    }
  };
  const run = async ({ id, path }: Upload, { source, replace }: Task<Source>): Promise<void> => {
    const abort = new AbortController();
    running.set(id, abort);
    change(id, { state: "running", sent: 0 });
    const onProgress = (sent: number): void => {
      if (running.get(id) === abort) change(id, { sent });
    };
    const failure = await how.send(path, source, { signal: abort.signal, replace, onProgress });
    running.delete(id);
    if (abort.signal.aborted) change(id, { state: "cancelled" });
    else if (failure === null) {
      tasks.delete(id);
      cutOff.value = cutOff.peek().filter((each) => each !== path);
      change(id, { state: "done", sent: source.size });
    } else change(id, { state: "failed", ...failure });
    next();
    if (running.size === 0) how.onIdle();
  };
  const cancel = (id: number): void => {
    if (running.has(id)) running.get(id)?.abort();
    else if (all.peek().some((upload) => upload.id === id && upload.state === "waiting"))
      change(id, { state: "cancelled" });
  };

  return {
    all,
    cutOff,
    forgetCutOff: () => void (cutOff.value = []),
    isBusy: computed(() => all.value.some(({ state }) => state === "waiting" || state === "running")),
    add(files) {
      const added = files.map(({ path, source }): Upload => {
        tasks.set(++last, { source, replace: false });
        return { id: last, path, size: source.size, sent: 0, state: "waiting", problem: null, isThere: false };
      });
      all.value = [...all.peek(), ...added];
      next();
    },
    cancel,
    cancelAll() {
      for (const { id } of all.peek()) cancel(id);
    },
    retry(id, replace = false) {
      const task = tasks.get(id);
      if (task === undefined || running.has(id)) return;
      tasks.set(id, { ...task, replace });
      change(id, { state: "waiting", sent: 0, problem: null, isThere: false });
      next();
    },
    clear() {
      const kept = all.peek().filter(({ state }) => state === "waiting" || state === "running");
      for (const id of tasks.keys()) if (!kept.some((upload) => upload.id === id)) tasks.delete(id);
      all.value = kept;
    },
  };
}
