// Calls of the API from inside the Worker: a tool does what an HTTP client would do, through the same routes, so that
// limits, scopes, metering and errors are the same.
import type * as z from "zod";
import type { ErrorBody } from "../contract/errors.ts";
import type { Route } from "../contract/route.ts";
import { problemError } from "./problem-error.ts";

/** Answers a request to the API as its caller. The path is without `/api`. */
export type Send = (request: Request) => Promise<Response>;

type Part<R, K extends string> =
  R extends Record<K, infer S extends z.ZodType> ? { readonly [Name in K]: z.input<S> } : unknown;
type InputOf<R extends Route> = Part<R, "params"> & Part<R, "query"> & Part<R, "body">;
type JsonOf<A> = A extends { readonly json: infer S extends z.ZodType } ? z.output<S> : never;
type AnswerOf<R extends Route> = JsonOf<R["answers"][keyof R["answers"]]>;
type Values = Readonly<Record<string, string | undefined>>;
type Parts = { readonly params?: Values; readonly query?: Values; readonly body?: unknown };

export class Api {
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  /** @throws ProblemError with what the API has answered */
  async call<const R extends Route>(route: R, input: InputOf<R>): Promise<AnswerOf<R>> {
    // SAFETY: InputOf names these parts and no others; what stands in a path or a query is text.
    const { params = {}, query = {}, body } = input as Parts;
    const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
    const url = new URL(path, "http://api");
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) {
        url.searchParams.set(name, value);
      }
    }
    const response = await this.#send(
      new Request(url, {
        method: route.method.toUpperCase(),
        headers: { accept: "application/json", "content-type": "application/json" },
        ...(route.body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
    if (!response.ok) {
      const { error } = await response.json<ErrorBody>();
      throw problemError(error);
    }
    // SAFETY: it was made by this very route.
    return await response.json<AnswerOf<R>>();
  }
}
