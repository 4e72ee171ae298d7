// The deadlines that a session can have. Pure.
import type { Deadlines as Named } from "../lib/deadlines.ts";

export type Deadlines = Named<"expiry" | "idle" | "sleep" | "save" | "keep" | "retry" | "meter" | "budget">;
