// What the platform on this machine is put together from. Two things supply it: repository.ts, from the source in this
// repository, and installed.ts, from the files in the published package, which takes its place when that is built.

export interface Parts {
  /** A script that runs the command in $TIED so that it cannot outlive its starter. */
  readonly tied: string;
  /** @throws Error with the command that installs it */
  bun(): string;
  /** @throws Error with the command that installs it */
  miniflare(): Miniflare;
  readonly engine: {
    /** Bun runs it. */
    readonly main: string;
    readonly env: Readonly<Record<string, string>>;
  };
  /** @throws Error where these parts cannot have Docker's containers */
  worker(options: { readonly docker: boolean }): Promise<WorkerParts>;
}

/** Static files that the Worker serves. */
interface LocalAssets {
  readonly directory: string;
  /** The Worker's name for them. */
  readonly binding: string;
}

type WorkerOptions = Readonly<Record<string, unknown>> & { readonly assets?: LocalAssets };

export interface WorkerParts {
  /** Miniflare's, without the Worker's code. */
  readonly options: WorkerOptions;
  /** Miniflare's, of the Workers that it needs beside it. */
  readonly others: readonly unknown[];
  /** One ES module. */
  readonly code: string;
  /** What its containers are started from, where Docker does. */
  readonly images: readonly ContainerImage[];
}

export interface ContainerImage {
  /** As the contract has it. */
  readonly name: string;
  /** By which it is started. */
  readonly image: string;
}

/** What is used of miniflare. Each of the parts' suppliers finds one of the version that package.json names. */
export interface MiniflareModule {
  readonly Miniflare: new (options: unknown) => {
    readonly ready: Promise<URL>;
    getWorker(): Promise<{ scheduled(): Promise<{ readonly outcome: string }> }>;
    dispose(): Promise<void>;
  };
  readonly convertV4MiniflareOptions: (options: unknown) => unknown;
}

interface Miniflare extends MiniflareModule {
  /** The path of the workerd that it comes with. */
  readonly workerd: string;
}
