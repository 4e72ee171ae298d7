// The only way out of a container: a forward proxy on its egress.sock. Names are resolved here and the resolved address
// is what is connected to, so that what was checked is what is used. Must not happen: a container that reaches this
// machine or its private network unless the operator listed the host. One door of this machine is open: what the platform
// serves to the code of sessions, under a name of its own.
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { PLATFORM_HOST, PLATFORM_PATHS } from "../../src/contract/ids.ts";
import { refusal } from "../../src/lib/address.ts";
import { End, dial, listen } from "../supervisor/net/pipe.ts";
import { exchange } from "./exchange.ts";
import { HEAD_BYTES } from "./head.ts";
import { type ProxyRequest, parseProxyRequest } from "./proxy-request.ts";

export interface EgressRules {
  /** `host` or `host:port`, lower case, allowed whatever their address. */
  readonly allow: readonly string[];
  /** Where the platform itself answers, as PLATFORM_HOST. Null: it does not tell. */
  readonly platform: { readonly hostname: string; readonly port: number } | null;
  /** The host's own proxy, for http and for https, that everything else goes through. */
  readonly proxy: { readonly http: URL | null; readonly https: URL | null };
}

const HEAD = { maxBytes: HEAD_BYTES, timeoutMs: 30_000 };
const DIAL_MS = 10_000;

class Refused extends Error {}

export function egressRules(env: Readonly<Record<string, string | undefined>>): EgressRules {
  const proxy = (name: string) => {
    const value = env[name.toLowerCase()] ?? env[name];
    return value === undefined || !URL.canParse(value) ? null : new URL(value);
  };
  return {
    allow: (env["ENGINE_EGRESS_ALLOW"] ?? "")
      .split(",")
      .map((entry) => entry.trim().toLowerCase())
      .filter((entry) => entry !== ""),
    platform: platformAt(env["ENGINE_PLATFORM"] ?? ""),
    proxy: { http: proxy("HTTP_PROXY"), https: proxy("HTTPS_PROXY") },
  };
}

/** @throws Error for what is not `address:port` */
function platformAt(text: string): EgressRules["platform"] {
  if (text === "") return null;
  const [, hostname, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (hostname === undefined) throw new Error(`ENGINE_PLATFORM is not address:port: ${text}`);
  return { hostname: bare(hostname), port: Number(port) };
}

export function listenEgress(path: string, rules: EgressRules): { close(): void } {
  const clients = new Set<End>();
  const server = listen({ unix: path }, (client) => {
    clients.add(client);
    client.onClose(() => clients.delete(client));
    return serve(client, rules);
  });
  return {
    close: () => {
      server.stop();
      for (const client of clients) client.destroy();
    },
  };
}

async function serve(client: End, rules: EgressRules): Promise<void> {
  const request = await client.take(parseProxyRequest, HEAD);
  if (request === null) return client.destroy();
  if (request === "invalid")
    return answer(client, 400, "this is a proxy: it takes CONNECT host:port, or http:// in the request line");
  try {
    await forward(client, request, rules);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    answer(client, error instanceof Refused ? 403 : 502, `${request.host}:${request.port}: ${why}`);
  }
}

async function forward(client: End, request: ProxyRequest, rules: EgressRules): Promise<void> {
  const { host, port, tunnel } = request;
  if (host === PLATFORM_HOST) return await forwardToPlatform(client, request, rules.platform);
  const listed = rules.allow.includes(host) || rules.allow.includes(`${host}:${port}`);
  const proxy = listed ? null : tunnel ? rules.proxy.https : rules.proxy.http;
  const addresses = await allowedAddresses(host, { listed, unresolved: proxy !== null });

  const upstream =
    proxy === null ? await dialAny(addresses, port) : await dialAny([bare(proxy.hostname)], Number(proxy.port || 80));
  upstream.write(proxy === null ? request.forOrigin() : request.forProxy(credentialsOf(proxy)));
  if (!tunnel) return await exchange(client, upstream);
  if (proxy === null) client.write("HTTP/1.1 200 Connection established\r\n\r\n");
  End.join(client, upstream);
}

/** @throws Refused */
async function forwardToPlatform(client: End, request: ProxyRequest, at: EgressRules["platform"]): Promise<void> {
  if (at === null) throw new Error("no such host");
  // A tunnel would reach all that the platform serves on this machine.
  if (request.port !== 80 || !PLATFORM_PATHS.test(request.path))
    throw new Refused("code in sessions reaches its account's storage there, by plain http, and nothing else");
  const upstream = await dialAny([at.hostname], at.port);
  upstream.write(request.forOrigin());
  await exchange(client, upstream);
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

function credentialsOf({ username, password }: URL): string | null {
  if (username === "") return null;
  return `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64")}`;
}

/** @throws Refused */
async function allowedAddresses(host: string, how: { listed: boolean; unresolved: boolean }): Promise<string[]> {
  const found = await lookup(host, { all: true }).catch(() => []);
  if (found.length === 0 && !how.unresolved) throw new Error("no such host");
  const addresses = found.map(({ address }) => address);
  if (how.listed) return addresses;
  const own = Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map(({ address }) => address));
  const allowed = addresses.filter((address) => refusal(address, own) === null);
  const [first] = addresses;
  if (allowed.length === 0 && first !== undefined) {
    const kind = refusal(first, own);
    throw new Refused(
      `sessions may not connect to ${first} (${kind}). The operator can allow it with ENGINE_EGRESS_ALLOW`,
    );
  }
  return allowed;
}

async function dialAny(addresses: readonly string[], port: number): Promise<End> {
  for (const hostname of addresses) {
    const end = await inTime(dial({ hostname, port }));
    if (end !== null) return end;
  }
  throw new Error("cannot be reached");
}

/** What connects too late is closed. */
function inTime(dialling: Promise<End | null>): Promise<End | null> {
  return new Promise((resolve) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      resolve(null);
    }, DIAL_MS);
    const settle = (end: End | null) => {
      clearTimeout(timer);
      if (late) end?.destroy();
      resolve(end);
    };
    void dialling.then(settle);
  });
}

function answer(client: End, status: 400 | 403 | 502, text: string): void {
  const phrase = { 400: "Bad Request", 403: "Forbidden", 502: "Bad Gateway" }[status];
  const body = `buntime: ${text}\n`;
  const head = [
    "content-type: text/plain; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  client.write(`HTTP/1.1 ${status} ${phrase}\r\n${head.join("\r\n")}\r\n\r\n${body}`);
  client.close();
}
