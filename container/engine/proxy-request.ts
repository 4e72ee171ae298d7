// The first request on a connection to a forward proxy (RFC 9110 section 7.6, RFC 9112 section 3.2): CONNECT, or an
// http:// URL in the request line, which becomes one request to its origin. Pure.
import type { Taken } from "../supervisor/net/pipe.ts";

export interface ProxyRequest {
  /** Lower case, without brackets or a dot at the end. */
  readonly host: string;
  readonly port: number;
  readonly tunnel: boolean;
  /** Of the URL, resolved, as its origin gets it; empty for a tunnel. */
  readonly path: string;
  /** The head that goes to the origin; empty for a tunnel. */
  forOrigin(): string;
  /** The head that goes to another proxy. */
  forProxy(authorization: string | null): string;
}

/**
 * Fields between a client and its proxy, and those that would keep a connection for another origin's request. The host is
 * that of the URL, whatever the field says: it is what was looked at.
 */
const OWN_FIELDS = /^(proxy-[\w-]+|connection|keep-alive|host)\s*:/i;

const CLOSE = "connection: close";

/** RFC 9110 section 5. Whatever else there is may be read otherwise where it goes: there, a lone line feed can end the head. */
const FIELD = /^[\w!#$%&'*+.^`|~-]+[ \t]*:[^\r\n\0]*$/;
const METHOD = /^[A-Za-z]+$/;

/** Null while the head is not complete. `invalid`: not a request that a proxy takes. */
export function parseProxyRequest(bytes: Buffer): Taken<ProxyRequest | "invalid"> | null {
  const end = bytes.indexOf("\r\n\r\n");
  return end === -1 ? null : { value: parseHead(bytes.toString("latin1", 0, end)), used: end + 4 };
}

function parseHead(text: string): ProxyRequest | "invalid" {
  const [requestLine = "", ...fields] = text.split("\r\n");
  const [method = "", target = "", version] = requestLine.split(" ");
  if (version === undefined || !/^HTTP\/1\.\d$/.test(version) || !METHOD.test(method)) return "invalid";
  if (!fields.every((field) => FIELD.test(field))) return "invalid";

  if (method === "CONNECT") {
    const match = /^(\[[0-9a-f:.%]+\]|[^:/?#@\s]+):(\d{1,5})$/i.exec(target);
    if (match?.[1] === undefined) return "invalid";
    const port = Number(match[2]);
    return {
      ...place(match[1], port),
      tunnel: true,
      path: "",
      forOrigin: () => "",
      forProxy: (authorization) => head([`CONNECT ${target} HTTP/1.1`, `host: ${target}`], authorization),
    };
  }
  if (!/^http:\/\//i.test(target) || !URL.canParse(target)) return "invalid";
  const url = new URL(target);
  const host = `host: ${url.host}`;
  const kept = fields.filter((field) => !OWN_FIELDS.test(field));
  return {
    ...place(url.hostname, Number(url.port || 80)),
    tunnel: false,
    path: url.pathname,
    forOrigin: () => head([`${method} ${url.pathname}${url.search} HTTP/1.1`, host, ...kept, CLOSE], null),
    forProxy: (authorization) => head([`${method} ${target} HTTP/1.1`, host, ...kept, CLOSE], authorization),
  };
}

function place(host: string, port: number): { host: string; port: number } {
  return {
    host: host
      .replace(/^\[|\]$/g, "")
      .replace(/\.$/, "")
      .toLowerCase(),
    port,
  };
}

function head(lines: readonly string[], authorization: string | null): string {
  const all = authorization === null ? lines : [...lines, `proxy-authorization: ${authorization}`];
  return `${all.join("\r\n")}\r\n\r\n`;
}
