// What encoding one object needs of the whole: numbers for what it refers to, and where things come from.
import type { Sources } from "../sources.ts";
import type { Given } from "./given.ts";
import type { Value } from "./graph.ts";
import type { Place } from "./members.ts";
import type { Modules } from "./modules.ts";

/** Why a value cannot be saved, as the end of a sentence: "it is …", "it holds …". */
export class Unsavable extends Error {}

export interface Encoding {
  /** A value inside of the one that is being encoded; `label` tells where. */
  refer(value: unknown, label: string): Value;
  /** Of memory that it takes. @throws Unsavable where that is too much */
  count(bytes: number): void;
}

/** What is not a value of the context's own, and where its functions were written. */
export interface World {
  readonly given: Given;
  readonly modules: Modules;
  readonly sources: Sources;
  /** Of the classes that have been encoded so far. */
  readonly members: Map<object, Place & { readonly of: object }>;
}
