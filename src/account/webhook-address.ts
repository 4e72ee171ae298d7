// Where a webhook may point: https to a public host. Pure. The URL's own parser has undone every odd spelling of a number by
// the time that its host is looked at. What a name resolves to is for the network below to refuse.
import { isIPv4 } from "node:net";
import { WEBHOOKS } from "../contract/limits.ts";
import { refusal } from "../lib/address.ts";
import { fail, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";

export interface AddressRules {
  /** The operator lets webhooks go to private addresses, and by plain http. */
  readonly allowPrivate: boolean;
}

/** Names that only ever mean this machine or its network (RFC 6761, 6762, 8375, 9476; `.internal` by ICANN). */
const PRIVATE_SUFFIXES = [
  "localhost",
  "local",
  "internal",
  "home.arpa",
  "localdomain",
  "lan",
  "intranet",
  "alt",
  "onion",
];

export function checkWebhookUrl(text: string, { allowPrivate }: AddressRules): Result<string> {
  const url = text.length > WEBHOOKS.urlCharacters ? null : URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    return refuse(
      `\`url\` is not a URL such as https://example.com/hooks, of at most ${WEBHOOKS.urlCharacters} characters.`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    return refuse("`url` has a user name or password in it. Check the signature of what arrives instead.");
  }
  if (allowPrivate) {
    return ok(url.href);
  }
  if (url.protocol !== "https:") {
    return refuse("`url` is not https. Only an operator can allow plain http.");
  }
  const reason = hostRefusal(url.hostname);
  return reason === null
    ? ok(url.href)
    : refuse(`\`url\` points to ${url.hostname.slice(0, 253)} (${reason}). Webhooks go to public hosts only.`);
}

/** `hostname` as a URL's parser gives it: lower case, numbers in their usual form, IPv6 in brackets. */
function hostRefusal(hostname: string): string | null {
  if (hostname.startsWith("[")) {
    return refusal(hostname.slice(1, -1));
  }
  if (isIPv4(hostname)) {
    return refusal(hostname);
  }
  const name = hostname.replace(/\.+$/, "");
  if (!name.includes(".")) {
    return "a name of a private network";
  }
  const isPrivate = PRIVATE_SUFFIXES.some((suffix) => name.endsWith(`.${suffix}`));
  return isPrivate || name.endsWith(".arpa") ? "a name of a private network" : null;
}

function refuse(message: string): Result<never> {
  return fail("invalid_request", message, { in: "body", issues: [{ path: "url", message }] });
}
