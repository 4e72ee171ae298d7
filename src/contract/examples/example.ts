// What an operation's examples are: of its body by what each shows, and of its answer, as far as it has them.
import type * as z from "zod";
import type { Route } from "../route.ts";

type Bodies<R> = R extends { readonly body: infer S extends z.ZodType }
  ? { readonly bodies: Readonly<Record<string, z.input<S>>> }
  : unknown;
type JsonOf<A> = A extends { readonly json: infer S extends z.ZodType } ? z.output<S> : never;
type AnswerOf<R extends Route> = JsonOf<R["answers"][keyof R["answers"]]>;
type Answer<R extends Route> = [AnswerOf<R>] extends [never] ? unknown : { readonly answer: AnswerOf<R> };

/** Of all operations: one without its examples does not compile. */
export type Examples<Routes extends Readonly<Record<string, Route>>> = {
  readonly [Name in keyof Routes]: Bodies<Routes[Name]> & Answer<Routes[Name]>;
};
