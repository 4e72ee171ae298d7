// What a run threw, as the contract's RunError: with the user's own frames, and the line and column of this run's code.
import { types } from "node:util";
import type { RunError } from "../../../../../src/contract/contexts.ts";
import { ASYNC_HEAD } from "./compile.ts";
import type { Programs } from "./programs.ts";

const FRAMES_MOST = 100;
const CAUSES_MOST = 5;
const MESSAGE_CHARACTERS = 32 * 1024;
/** Of this program, bundled or not. */
const HERE = import.meta.dir.replace(/\/javascript$/, "");
const FRAME = /^ {4}at (?:(.*) \()?(.+?)(?::(\d+))?(?::(\d+))?\)?$/;

interface Frame {
  readonly name: string;
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
}

export function describeFailure(thrown: unknown, file: string, programs: Programs): RunError {
  if (isMessage(thrown)) return describeMessage(thrown);
  if (!isError(thrown)) {
    const message = `Uncaught ${inspect(thrown)}`;
    return { name: "Error", message, traceback: [], line: null, column: null };
  }
  const frames = framesOf(thrown, programs);
  const own = frames.find((frame) => frame.file === file && frame.line !== null);
  return {
    name: textOf(thrown, "name") || "Error",
    message: textOf(thrown, "message"),
    traceback: [...frames.map(printFrame), ...causesOf(thrown, programs)],
    line: own?.line ?? null,
    column: own?.column ?? null,
  };
}

/** What did not parse: the transpiler's messages, or the engine's own error. */
export function describeSyntaxError(thrown: unknown, file: string, programs: Programs): RunError {
  const first: unknown = thrown instanceof AggregateError ? thrown.errors[0] : thrown;
  const name = first instanceof BuildMessage ? "SyntaxError" : textOf(first as object, "name");
  const message = textOf(first as object, "message");
  if (first instanceof BuildMessage && first.position !== null) {
    const { line, column } = first.position;
    return { name, message, traceback: [`at ${file}:${line}:${column}`], line, column };
  }
  // The engine shows the line and below it, with a caret, the column.
  const stack = textOf(first as object, "stack");
  const line = Number(/:(\d+)\n/.exec(stack)?.[1] ?? Number.NaN);
  const caret = /\n( *)\^/.exec(stack)?.[1]?.length;
  if (!Number.isInteger(line) || caret === undefined) return { name, message, traceback: [], line: null, column: null };
  const column = programs.columnOf(file, line, caret + 1);
  return { name, message, traceback: [`at ${file}:${line}:${column}`], line, column };
}

/** As Bun prints an error that nobody caught, without the frames below the user's. */
export function printFailure(thrown: unknown): string {
  const lines = inspect(thrown)
    .split("\n")
    .filter((line) => !isKernels(line));
  // The line that the engine quotes may begin with what is the kernel's.
  const quoted = lines.findIndex((line) => /^ *\d+ \| /.test(line) && line.includes(`| ${ASYNC_HEAD}`));
  if (quoted >= 0) {
    lines[quoted] = lines[quoted]?.replace(ASYNC_HEAD, "") ?? "";
    const below = lines[quoted + 1] ?? "";
    if (/^ *\^/.test(below)) lines[quoted + 1] = below.replace(" ".repeat(ASYNC_HEAD.length), "");
  }
  return lines.join("\n").trimEnd();
}

/** Of Bun's own, about a module that was not found or does not parse. No error to the engine. */
function isMessage(value: unknown): value is BuildMessage | ResolveMessage {
  return !types.isProxy(value) && (value instanceof BuildMessage || value instanceof ResolveMessage);
}

function describeMessage({ name, message, position }: BuildMessage | ResolveMessage): RunError {
  const place = position === null ? [] : [`at ${position.file}:${position.line}:${position.column}`];
  const traceback = position !== null && position.file !== "" ? place : [];
  return { name: name === "BuildMessage" ? "SyntaxError" : name, message, traceback, line: null, column: null };
}

function isError(value: unknown): value is Error {
  return Error.isError(value);
}

function inspect(value: unknown): string {
  try {
    return Bun.inspect(value, { colors: false }).slice(0, MESSAGE_CHARACTERS);
  } catch {
    // The user's own way of being inspected.
    return "a value that cannot be shown";
  }
}

/** It may be an accessor of the user's, and throw. */
function textOf(value: object, key: "name" | "message" | "stack"): string {
  let text: unknown;
  for (let at: object | null = value, depth = 0; at !== null && depth < 10; at = Reflect.getPrototypeOf(at), depth++) {
    const descriptor = Reflect.getOwnPropertyDescriptor(at, key);
    if (descriptor === undefined) continue;
    text = descriptor.value;
    if (descriptor.get === undefined) break;
    try {
      text = Reflect.get(value, key);
    } catch {
      // It threw: then there is none.
    }
    break;
  }
  return typeof text === "string" ? text.slice(0, MESSAGE_CHARACTERS) : "";
}

function framesOf(error: object, programs: Programs): Frame[] {
  const lines = textOf(error, "stack")
    .split("\n")
    .filter((line) => line.startsWith("    at "));
  const kernels = lines.findIndex(isKernels);
  const users = kernels < 0 ? lines : lines.slice(0, kernels);
  // The engine's own functions through which the kernel called.
  while (
    users.at(-1)?.endsWith("(unknown)") === true ||
    /\(native|processTicksAndRejections/.test(users.at(-1) ?? "")
  ) {
    users.pop();
  }
  return users.slice(0, FRAMES_MOST).flatMap((text) => {
    const [, name = "", file, line, column] = FRAME.exec(text) ?? [];
    if (file === undefined) return [];
    if (line === undefined) return { name, file, line: null, column: null };
    if (column === undefined) return { name, file, line: Number(line), column: null };
    return { name, file, line: Number(line), column: programs.columnOf(file, Number(line), Number(column)) };
  });
}

function isKernels(line: string): boolean {
  return line.includes(HERE) || /\(?buntime:\d+:\d+\)?$/.test(line);
}

function printFrame({ name, file, line, column }: Frame): string {
  const place = [file, line, column].filter((part) => part !== null).join(":");
  return name === "" || name === "<anonymous>" ? `at ${place}` : `at ${name} (${place})`;
}

function causesOf(error: object, programs: Programs): string[] {
  const lines: string[] = [];
  let cause: unknown = Reflect.getOwnPropertyDescriptor(error, "cause")?.value;
  for (let depth = 0; depth < CAUSES_MOST && isError(cause); depth++) {
    lines.push(`Caused by ${textOf(cause, "name")}: ${textOf(cause, "message")}`);
    lines.push(...framesOf(cause, programs).map(printFrame));
    cause = Reflect.getOwnPropertyDescriptor(cause, "cause")?.value;
  }
  return lines;
}
