// RFC 9110, 14.2: which bytes of a file a `Range` header asks for. Pure.

/** Both ends inclusive. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** `whole`: no range, several of them, or not one that we understand, which the RFC wants ignored. */
export function parseRange(header: string | null, size: number): ByteRange | "whole" | "unsatisfiable" {
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? "");
  if (match === null) {
    return "whole";
  }
  const [, from = "", to = ""] = match;
  if (from === "") {
    if (to === "") {
      return "whole";
    }
    const length = Number(to);
    if (length === 0) {
      return "unsatisfiable";
    }
    // The last bytes of an empty file are all of it, and no Content-Range can say so.
    return size === 0 ? "whole" : { first: Math.max(0, size - length), last: size - 1 };
  }
  const first = Number(from);
  if (to !== "" && Number(to) < first) {
    return "whole";
  }
  if (first >= size) {
    return "unsatisfiable";
  }
  return { first, last: to === "" ? size - 1 : Math.min(Number(to), size - 1) };
}
