// The part of the platform's `Container` that a session uses. `ctx.container` has it, and so has EmbeddedContainer.

export interface StartOptions {
  readonly image?: string;
  readonly instance?:
    | "lite"
    | "basic"
    | "standard-1"
    | { readonly vcpu: number; readonly memoryMib: number; readonly diskMb: number };
  /** False: no way out of it, and no name is resolved. Holds from its start to its end. */
  readonly enableInternet: boolean;
  readonly env: Record<string, string>;
}

export interface SessionContainer {
  readonly running: boolean;
  start(options: StartOptions): void;
  /** Settles when the container has ended, also by an error. */
  monitor(): Promise<void>;
  destroy(): Promise<void>;
  signal(signal: number): void;
  /** How long from now the platform leaves an unused container running; it is ended when this is never called. */
  setInactivityTimeout(durationMs: number): Promise<void>;
  getTcpPort(port: number): { fetch(request: Request): Promise<Response> };
}
