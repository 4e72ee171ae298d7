// Sends a call and sees it through: key, time-out, signal, tries. Every failure leaves it as a BuntimeError.
import { errorOfAnswer, errorOfCause, readText } from "./answer.ts";
import { BuntimeError } from "./error.ts";
import { pause } from "./pause.ts";
import { delayBeforeRetry } from "./retry.ts";
import type { FailedTry, RetryPolicy } from "./retry.ts";

/** What every method takes after its input. */
export interface RequestOptions {
  /** Ends the call, also while it waits between two tries. What has begun on the platform goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for each try, until the head of the answer is there. Default: the client's, 60,000. */
  readonly timeout?: number | undefined;
}

/** What `onRetry` is told, before the wait. */
export interface Retry {
  /** The try that failed, from 1 on. */
  readonly attempt: number;
  /** Milliseconds until the next one. */
  readonly delay: number;
  readonly error: BuntimeError;
}

export interface TransportOptions extends RetryPolicy {
  readonly apiKey: string | undefined;
  readonly baseUrl: string;
  readonly timeout: number;
  readonly onRetry: ((retry: Retry) => void) | undefined;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Call<T> {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Relative to the base URL, its parameters encoded. */
  readonly path: string;
  readonly query?: Query;
  readonly json?: unknown;
  readonly body?: Exclude<RequestInit["body"], null | undefined>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly options: RequestOptions | undefined;
  /** Default: the client's. The caller's own comes first. */
  readonly timeout?: number;
  /** Doing it twice is as good as once. Default: for all but POST. */
  readonly repeatable?: boolean;
  /** `Idempotency-Key` that all tries carry, which makes a POST repeatable. */
  readonly key?: string;
  /** Called when the platform keeps no more keys, so that the call is sent without one, a single time. */
  readonly keyless?: () => void;
  /** What a delete answers with that finds the thing gone after a try whose answer was lost. */
  readonly gone?: T;
}

export class Transport {
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Where a path of the API is. */
  urlOf(path: string, query?: Query): string {
    return `${this.#options.baseUrl}${path}${queryText(query)}`;
  }

  tellRetry(retry: Retry): void {
    this.#options.onRetry?.(retry);
  }

  get apiKey(): string | undefined {
    return this.#options.apiKey;
  }

  get timeout(): number {
    return this.#options.timeout;
  }

  get retryDelay(): number {
    return this.#options.retryDelay;
  }

  /** The JSON of a successful answer. */
  json<T>(call: Call<T>): Promise<T> {
    return this.read(call, async (response) => {
      const text = await readText(response);
      try {
        // SAFETY: the platform answers as the contract says; what is no JSON did not come from it.
        return JSON.parse(text) as T;
      } catch (cause) {
        throw errorOfAnswer(response, text, cause);
      }
    });
  }

  /** A successful answer whose head is there. Its body is the caller's to read, without a time-out. */
  send(call: Call<Response>): Promise<Response> {
    return this.read(call, (response) => Promise.resolve(response), { open: true });
  }

  /** What `read` makes of a successful answer. A body that breaks off counts as a try that failed. */
  async read<T>(
    call: Call<T>,
    read: (response: Response) => Promise<T>,
    { open = false }: { readonly open?: boolean } = {},
  ): Promise<T> {
    const { signal } = call.options ?? {};
    let { key } = call;
    let lost = false;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#try(call, key, read, open);
      } catch (cause) {
        const error = errorOfCause(cause, signal);
        if (lost && call.gone !== undefined && error.status === 404) {
          return call.gone;
        }
        if (key !== undefined && "keysMax" in error.details) {
          // The platform keeps no more keys for this account. Without one it is sent a single time.
          key = undefined;
          call.keyless?.();
          continue;
        }
        lost ||= error.status === 0 || error.status >= 500;
        const repeatable = key !== undefined || (call.key === undefined && (call.repeatable ?? call.method !== "POST"));
        await this.backOff({ attempt, error, repeatable, spent: call.body instanceof ReadableStream }, signal);
      }
    }
  }

  /** Waits until the next try. @throws the error where there is none to be, or `aborted` */
  async backOff(failed: Omit<FailedTry, "chance">, signal: AbortSignal | undefined): Promise<void> {
    const { attempt, error } = failed;
    const delay = delayBeforeRetry(this.#options, { ...failed, chance: Math.random() });
    if (delay === null) {
      throw error;
    }
    this.tellRetry({ attempt, delay, error });
    try {
      await pause(delay, signal);
    } catch (reason) {
      throw errorOfCause(reason, signal);
    }
  }

  async #try<T>(
    call: Call<T>,
    key: string | undefined,
    read: (response: Response) => Promise<T>,
    open: boolean,
  ): Promise<T> {
    const { apiKey, fetch } = this.#options;
    const { method, path, query, json, options } = call;
    const { signal } = options ?? {};
    signal?.throwIfAborted();
    const body = json === undefined ? call.body : JSON.stringify(json);
    const timeout = options?.timeout ?? call.timeout ?? this.#options.timeout;
    const controller = new AbortController();
    const late = (): void =>
      controller.abort(new BuntimeError(`No answer to ${method} ${path} within ${timeout} ms.`, { code: "timeout" }));
    const leave = (): void => controller.abort(signal?.reason);
    // A body that outlives this call goes on listening, but must not keep a signal of the caller's busy for ever.
    const listens = open && signal !== undefined ? AbortSignal.any([signal, controller.signal]) : controller.signal;
    if (!open) {
      signal?.addEventListener("abort", leave, { once: true });
    }
    let timer = setTimeout(late, timeout);
    try {
      const response = await fetch(this.urlOf(path, query), {
        method,
        headers: {
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
          ...(json === undefined ? {} : { "content-type": "application/json" }),
          ...(key === undefined ? {} : { "idempotency-key": key }),
          ...call.headers,
        },
        signal: listens,
        // A key is sent to the base URL and to nobody else.
        redirect: "manual",
        ...(body === undefined ? {} : { body }),
        // Node and browsers want to be told that an answer does not come before a streamed body has been sent.
        ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
      });
      clearTimeout(timer);
      if (!response.ok && response.status !== 304) {
        timer = setTimeout(late, timeout);
        throw errorOfAnswer(response, await readText(response));
      }
      if (!open) {
        timer = setTimeout(late, Math.max(timeout, WHOLE_ANSWER_MS));
      }
      return await read(response);
    } catch (error) {
      throw controller.signal.aborted ? controller.signal.reason : error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", leave);
    }
  }
}

/** For the body of an answer that is read as a whole. */
const WHOLE_ANSWER_MS = 600_000;

function queryText(query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return given.length === 0
    ? ""
    : `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString()}`;
}
