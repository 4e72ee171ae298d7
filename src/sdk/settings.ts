// The client's settings, and the transport that they make.
import { readEnvironment } from "./environment.ts";
import { BuntimeError } from "./error.ts";
import type { WebSocketConstructor } from "./terminal-socket.ts";
import { Transport } from "./transport.ts";
import type { Retry } from "./transport.ts";

export interface BuntimeOptions {
  /** `btk_…`. Default: the variable BUNTIME_API_KEY. */
  readonly apiKey?: string | undefined;
  /** Where the API is. Default: the variable BUNTIME_BASE_URL, or `https://api.buntime.sh`. */
  readonly baseUrl?: string | undefined;
  /**
   * Milliseconds for each try of a call, until the head of its answer is there; an execution gets its own time on top.
   * Default: 60,000.
   */
  readonly timeout?: number | undefined;
  /** Tries after the first, of calls for which that is safe. Default: 3. */
  readonly maxRetries?: number | undefined;
  /** Milliseconds before the second try; doubled from then on, up to 10 s. `Retry-After` comes first. Default: 500. */
  readonly retryDelay?: number | undefined;
  /** Called before the wait. */
  readonly onRetry?: ((retry: Retry) => void) | undefined;
  /** Default: the runtime's. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** For terminals, where the runtime has none of its own, such as Node 20: that of the package `ws` will do. */
  readonly webSocket?: WebSocketConstructor | undefined;
}

const DEFAULT_BASE_URL = "https://api.buntime.sh";

/** @throws BuntimeError `invalid_request` for a base URL or a number that is none */
export function transportOf(options: BuntimeOptions): Transport {
  return new Transport({
    apiKey: options.apiKey ?? readEnvironment("BUNTIME_API_KEY"),
    baseUrl: checkedUrl(options.baseUrl ?? readEnvironment("BUNTIME_BASE_URL") ?? DEFAULT_BASE_URL),
    timeout: checkedNumber("timeout", options.timeout ?? 60_000),
    maxRetries: checkedNumber("maxRetries", options.maxRetries ?? 3),
    retryDelay: checkedNumber("retryDelay", options.retryDelay ?? 500),
    onRetry: options.onRetry,
    // Looked up at each call, and called as the function that it is: some runtimes insist on that.
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
  });
}

function checkedUrl(text: string): string {
  // SAFETY: `canParse` came with the runtimes that this is for.
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new BuntimeError(`The base URL is no HTTP URL: ${text}`, { code: "invalid_request" });
  }
  return text.replace(/\/+$/, "");
}

/** What a timer of the runtimes can hold. */
const LONGEST_MS = 2 ** 31 - 1;

function checkedNumber(name: string, value: number): number {
  if (!(value >= 0)) {
    throw new BuntimeError(`\`${name}\` is no number from 0 on: ${value}`, { code: "invalid_request" });
  }
  return Math.min(value, LONGEST_MS);
}
