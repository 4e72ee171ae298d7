// Terminals on the wire. One is a program at a pseudo-terminal in a session's container; any number of viewers sit in front of
// it, each with a WebSocket. Binary messages are bytes: typed ones to the program, printed ones to the viewer. Text
// messages are one JSON object each, as below.
//
// The sequence of a byte is its offset in all that the program has printed. `ready` names the sequence of the first byte
// that follows it; a viewer counts on from there, and after a broken connection comes back with `id` and, as `after`, the
// number of bytes that it has: it gets exactly the rest. What is older than TERMINALS.keptBytes is gone, and `lost` says
// how much of it was asked for.
//
// Flow: a viewer says by `ack` what it has taken in. From its first `ack` on, or from the beginning where it was opened with
// `ack=true`, it is never sent more than TERMINALS.windowBytes ahead of the last one; the program waits when no viewer
// keeps up, for TERMINALS.patienceMs at the most. So nothing is lost for it when its connection breaks in the middle of a
// flood. A viewer that never says so is cut after TERMINALS.blindBytes, and may come back.
import * as z from "zod";
import { TERMINAL_ID } from "./ids.ts";
import { TERMINALS } from "./limits.ts";
import type { Problem } from "./errors.ts";
import { IsoTime, Text } from "./primitives.ts";

export const TerminalId = z
  .string()
  .regex(TERMINAL_ID, "is not the id of a terminal")
  .meta({ description: "`trm_` and 20 characters of 0-9a-z" });

const size = (range: { readonly min: number; readonly max: number }) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "is not a whole number")
    .transform(Number)
    .pipe(z.number().min(range.min).max(range.max))
    .optional()
    .meta({ override: { type: "integer", minimum: range.min, maximum: range.max } });

export const OpenTerminal = z
  .object({
    id: TerminalId.optional().meta({ description: "Of a terminal that is there. Absent: a new one is opened" }),
    create: z
      .enum(["true", "false"])
      .default("false")
      .transform((text) => text === "true")
      .meta({
        description: "With `id`: one is opened under that id where there is none, so that a lost answer is harmless",
      }),
    after: z
      .string()
      .regex(/^\d{1,15}$/, "is not a whole number")
      .transform(Number)
      .optional()
      .meta({
        override: { type: "integer", minimum: 0 },
        description: "Bytes of its output that the client has already. Absent: everything that is kept is sent",
      }),
    ack: z
      .enum(["true", "false"])
      .default("false")
      .transform((text) => text === "true")
      .meta({ description: "The client will acknowledge: the window holds from the first byte on" }),
    cols: size(TERMINALS.cols).meta({ description: "Absent: as the terminal has it; 80 for a new one" }),
    rows: size(TERMINALS.rows).meta({ description: "Absent: as the terminal has it; 24 for a new one" }),
    command: Text.min(1)
      .max(TERMINALS.commandCharacters)
      .refine((text) => !text.includes("\0"), "has a null byte")
      .optional()
      .meta({ description: "Of a new terminal, run by `sh -c`. Absent: an interactive login shell" }),
  })
  .meta({ id: "OpenTerminal" });
export type OpenTerminal = z.infer<typeof OpenTerminal>;

/** How the program of a terminal ended. */
export const TerminalExit = z
  .object({
    exitCode: z.int().nullable().meta({ description: "null: ended by a signal" }),
    signal: z.string().nullable(),
    reason: z.string().nullable().meta({ description: "Why the platform has ended it; null: it did not" }),
  })
  .meta({ id: "TerminalExit" });
export type TerminalExit = z.infer<typeof TerminalExit>;

export const Terminal = z
  .object({
    id: TerminalId,
    command: z.string().nullable().meta({ description: "null: a login shell" }),
    pid: z.int().nullable().meta({ description: "Of its first process" }),
    cols: z.int(),
    rows: z.int(),
    createdAt: IsoTime,
    viewers: z.int().nonnegative().meta({ description: "Connections to it at this moment" }),
    sequence: z.int().nonnegative().meta({ description: "Bytes that it has printed" }),
    oldest: z.int().nonnegative().meta({ description: "The sequence of the oldest byte that is kept" }),
    exit: TerminalExit.nullable().meta({
      description: "null: it runs. One that has ended is kept for some minutes, for viewers that come back",
    }),
  })
  .meta({ id: "Terminal" });
export type Terminal = z.infer<typeof Terminal>;

export const TerminalList = z.object({ terminals: z.array(Terminal), total: z.int() }).meta({
  id: "TerminalList",
  description: "Oldest first. Empty where the session sleeps: terminals end with its container",
});
export type TerminalList = z.infer<typeof TerminalList>;

export const TerminalClosed = z
  .object({ closed: z.literal(true), terminalId: TerminalId })
  .meta({ id: "TerminalClosed" });
export type TerminalClosed = z.infer<typeof TerminalClosed>;

const Columns = z.int().min(TERMINALS.cols.min).max(TERMINALS.cols.max);
const Rows = z.int().min(TERMINALS.rows.min).max(TERMINALS.rows.max);
const Sequence = z.int().nonnegative();

/** What a viewer says. Anything else is answered with `error` and changes nothing. */
export const TerminalCommand = z.discriminatedUnion("type", [
  /** The size of the terminal, for all of its viewers. */
  z.strictObject({ type: z.literal("resize"), cols: Columns, rows: Rows }),
  /** Answered with `pong` and the same `id`. */
  z.strictObject({ type: z.literal("ping"), id: z.string().max(64).optional() }),
  /** The answer to a `ping` of the platform. */
  z.strictObject({ type: z.literal("pong"), id: z.string().max(64).optional() }),
  /** Answered with `replay`; then output is sent again from there. */
  z.strictObject({ type: z.literal("replay"), after: Sequence }),
  /** So many bytes of the output were taken in. At least one for each quarter of the window keeps it flowing. */
  z.strictObject({ type: z.literal("ack"), sequence: Sequence }),
]);
export type TerminalCommand = z.infer<typeof TerminalCommand>;

/** What a viewer hears. */
export type TerminalEvent =
  /**
   * The first message. Output from the sequence `after` on follows; `lost` bytes before it were asked for and are gone.
   * `created`: by this connection.
   */
  | {
      readonly type: "ready";
      readonly terminal: Terminal;
      readonly created: boolean;
      readonly after: number;
      readonly lost: number;
    }
  /** As `ready`, in answer to `replay`: what was sent before it counts no more. */
  | { readonly type: "replay"; readonly after: number; readonly lost: number }
  /** Somebody has changed its size. */
  | { readonly type: "resize"; readonly cols: number; readonly rows: number }
  /** Once every TERMINALS.pingMs. Whoever sends nothing at all for TERMINALS.silenceMs is cut; a `pong` will do. */
  | { readonly type: "ping" }
  | { readonly type: "pong"; readonly id?: string | undefined }
  /** After all of the output, which was `sequence` bytes. Then the socket is closed with 1000. */
  | ({ readonly type: "exit"; readonly sequence: number } & TerminalExit)
  /** What was asked for was not done. Before `ready` the socket is closed after it. */
  | { readonly type: "error"; readonly error: Problem };
