// The API may be called from any web page: it knows no cookies, only keys that the page must have.
const EXPOSED = [
  "ETag, Content-Range, Accept-Ranges, Retry-After, X-Request-Id",
  "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Idempotency-Replayed, Buntime-Restored-From",
  "Buntime-Session-Id, Buntime-Execution-Id",
].join(", ");
const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
const PREFLIGHT_SECONDS = 86_400;
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+( *, *[\w!#$%&'*+.^`|~-]+)*$/;

export function allowAnyOrigin(headers: Headers): void {
  headers.set("access-control-allow-origin", "*");
  headers.set("access-control-expose-headers", EXPOSED);
}

/** The answer to a preflight, on any path and without a key. */
export function preflight(request: Request): Response {
  const wanted = request.headers.get("access-control-request-headers") ?? "";
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": METHODS,
      "access-control-allow-headers": HEADER_NAMES.test(wanted) ? wanted : "authorization, content-type",
      "access-control-max-age": String(PREFLIGHT_SECONDS),
      vary: "access-control-request-headers",
    },
  });
}
