// Rebuilds the answer of an execution from its durable record, for a call whose connection broke after it had ended. Pure.
import type { RunAnswer } from "../contract/context-run.ts";
import type { Result as ContextResult } from "../contract/contexts.ts";
import type { ExecuteAnswer, ExecutionRecord, OutputChunk } from "../contract/execute.ts";
import { ANSWER_OUTPUT_BYTES } from "../contract/limits.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";

/** The answer, or the limit that the execution was killed for, as the call itself would have told it. */
export function resultFromRecord(
  record: ExecutionRecord,
  chunks: readonly OutputChunk[],
  encoding: ExecuteAnswer["encoding"],
): Result<ExecuteAnswer | RunAnswer> {
  const answer = answerFromRecord(record, chunks, encoding);
  const { reason, executionId } = record;
  if (reason !== "memory_limit_exceeded" && reason !== "disk_full") {
    return ok(answer);
  }
  const { stdout, stderr } = answer;
  const limit = reason === "disk_full" ? "disk" : "memory";
  return fail(reason, `Execution ${executionId} was killed: the session's ${limit} limit was reached.`, {
    executionId,
    stdout,
    stderr,
  });
}

function answerFromRecord(
  record: ExecutionRecord,
  chunks: readonly OutputChunk[],
  encoding: ExecuteAnswer["encoding"],
): ExecuteAnswer | RunAnswer {
  const stdout = collect(chunks, "stdout");
  const stderr = collect(chunks, "stderr");
  const text = (bytes: Uint8Array): string =>
    encoding === "base64" ? bytes.toBase64() : new TextDecoder().decode(bytes);
  const answer: ExecuteAnswer = {
    executionId: record.executionId,
    stdout: text(stdout.bytes),
    stderr: text(stderr.bytes),
    encoding,
    exitCode: record.exitCode,
    signal: record.signal,
    executionTime: record.executionTime ?? 0,
    memoryUsed: record.memoryUsed,
    cpuTime: record.cpuTime,
    timedOut: record.outcome === "timed_out",
    truncated: stdout.truncated || stderr.truncated || record.truncated,
    background: record.background,
    pid: record.pid,
    filesWritten: record.filesWritten,
  };
  return record.context === null ? answer : { ...answer, results: resultsOf(chunks), ...record.context };
}

function resultsOf(chunks: readonly OutputChunk[]): RunAnswer["results"] {
  // SAFETY: the supervisor writes a Result into each of these.
  return chunks.filter(({ stream }) => stream === "result").map(({ data }) => JSON.parse(data) as ContextResult);
}

function collect(
  chunks: readonly OutputChunk[],
  stream: OutputChunk["stream"],
): { readonly bytes: Uint8Array; readonly truncated: boolean } {
  const parts = chunks
    .filter((chunk) => chunk.stream === stream)
    .map((chunk) =>
      chunk.encoding === "base64" ? Uint8Array.fromBase64(chunk.data) : new TextEncoder().encode(chunk.data),
    );
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return { bytes: whole.subarray(0, ANSWER_OUTPUT_BYTES), truncated: whole.length > ANSWER_OUTPUT_BYTES };
}
