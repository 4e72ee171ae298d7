// What a GET or HEAD of raw bytes is answered with, before a byte of the file is read. Pure.
import { problemResponse } from "../../contract/errors.ts";
import { ProblemError } from "../problem-error.ts";
import { allowsRange, evaluate, validatorsOf, type Version } from "./conditions.ts";
import { contentTypeOf } from "./content-type.ts";
import { parseRange, type ByteRange } from "./range.ts";

/** A whole answer, or its head and the bytes that belong to it; of an empty file, `last` is -1. */
export type Download =
  | { readonly answer: Response }
  | { readonly answer: null; readonly part: ByteRange; readonly init: { status: number; headers: Headers } };

/** @throws ProblemError precondition_failed */
export function planDownload(request: Request, relative: string, version: Version): Download {
  const { size } = version;
  const validators = validatorsOf(version);
  const headers = new Headers({
    etag: validators.etag,
    "last-modified": validators.lastModified,
    "accept-ranges": "bytes",
    "x-content-type-options": "nosniff",
  });
  switch (evaluate(request.method, request.headers, validators)) {
    case "failed":
      throw new ProblemError("precondition_failed", `${relative} is not the version that If-Match asks for`);
    case "not_modified":
      return { answer: new Response(null, { status: 304, headers }) };
    case "proceed":
      break;
  }
  headers.set("content-type", contentTypeOf(relative));
  // Bun would name the file after its descriptor.
  headers.set("content-disposition", "inline");
  if (request.method === "HEAD") {
    headers.set("content-length", String(size));
    return { answer: new Response(null, { headers }) };
  }
  const range = allowsRange(request.headers, validators) ? parseRange(request.headers.get("range"), size) : "whole";
  if (range === "unsatisfiable") {
    const problem = {
      code: "range_not_satisfiable",
      message: `${relative} has ${size} bytes`,
      details: { size },
    } as const;
    return { answer: problemResponse(problem, { headers: { "content-range": `bytes */${size}` } }) };
  }
  if (range === "whole") {
    return { answer: null, part: { first: 0, last: size - 1 }, init: { status: 200, headers } };
  }
  headers.set("content-range", `bytes ${range.first}-${range.last}/${size}`);
  return { answer: null, part: range, init: { status: 206, headers } };
}
