// The token with which a visitor comes to a private preview: in the query, in a cookie or in a header. It is taken out of
// the request, since the user's server must not see it. Pure. What has not a token's form stays where it is: `token` is a
// common name.
import { PREVIEW_TOKEN } from "../contract/ids.ts";

const HEADER = "x-preview-token";
/** The prefix has browsers refuse it with a Domain, or without Secure; plain http has no Secure. */
const COOKIE = { https: "__Host-buntime-preview", http: "buntime-preview" } as const;
const PARAMETER = "token=";
/** Looked at, of one request. */
const CANDIDATES = 4;

export interface Visit {
  readonly tokens: readonly string[];
  /** One of them was in the query. */
  readonly byLink: boolean;
}

/** Changes `url` and `headers`: what they hold afterwards is the visitor's own. */
export function takeTokens(url: URL, headers: Headers): Visit {
  const fromHeader = (headers.get(HEADER) ?? "").split(",").map((token) => token.trim());
  headers.delete(HEADER);
  const fromQuery = takeFromQuery(url);
  const fromCookie = takeFromCookies(headers);
  const tokens = [...fromHeader, ...fromQuery, ...fromCookie].filter((token) => PREVIEW_TOKEN.test(token));
  return { tokens: tokens.slice(0, CANDIDATES), byLink: fromQuery.length > 0 };
}

/** Of that host alone, and out of reach of its scripts. */
export function tokenCookie(token: string, url: URL, maxAgeSeconds: number): string {
  const secure = url.protocol === "https:";
  return [
    `${secure ? COOKIE.https : COOKIE.http}=${token}`,
    "Path=/",
    `Max-Age=${maxAgeSeconds}`,
    "HttpOnly",
    "SameSite=Lax",
    ...(secure ? ["Secure"] : []),
  ].join("; ");
}

function takeFromQuery(url: URL): string[] {
  const tokenOf = (pair: string): string | null =>
    pair.startsWith(PARAMETER) && PREVIEW_TOKEN.test(pair.slice(PARAMETER.length))
      ? pair.slice(PARAMETER.length)
      : null;
  const pairs = url.search.slice(1).split("&");
  const tokens = pairs.map(tokenOf).filter((token) => token !== null);
  if (tokens.length > 0) {
    url.search = pairs.filter((pair) => tokenOf(pair) === null).join("&");
  }
  return tokens;
}

function takeFromCookies(headers: Headers): string[] {
  const names: readonly string[] = Object.values(COOKIE);
  const cookies = headers.get("cookie")?.split(";") ?? [];
  const isOurs = (cookie: string): boolean => names.includes(cookie.split("=", 1)[0]?.trim() ?? "");
  const ours = cookies.filter(isOurs);
  if (ours.length > 0) {
    const rest = cookies.filter((cookie) => !isOurs(cookie));
    if (rest.length === 0) {
      headers.delete("cookie");
    } else {
      headers.set("cookie", rest.join(";").trim());
    }
  }
  return ours.map((cookie) => cookie.slice(cookie.indexOf("=") + 1).trim());
}
