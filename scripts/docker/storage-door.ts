// The way from Docker's containers to the platform, which listens on this machine's loopback only: a server on the address
// that this machine has on Docker's bridge. It passes on what the platform has for the code of sessions, its account's
// storage, which wants a token; nothing else of the platform is behind it.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, request as askPlatform } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { PLATFORM_HOST, PLATFORM_PATHS } from "../../src/contract/ids.ts";

export interface StorageDoor {
  /** `http://<address>:<port>` for code in containers. */
  readonly origin: string;
  close(): void;
}

export interface PlatformAddress {
  readonly host: string;
  readonly port: number;
}

const run = promisify(execFile);

/** Null where this machine has no address on the bridge: a daemon in a virtual machine, or without root. */
export async function openStorageDoor(platform: PlatformAddress): Promise<StorageDoor | null> {
  const format = "{{range .IPAM.Config}}{{.Gateway}} {{end}}";
  const { stdout } = await run("docker", ["network", "inspect", "bridge", "--format", format]);
  const address = stdout.trim().split(" ")[0] ?? "";
  const server = createServer((request, response) => void pass(request, response, platform));
  if (address === "" || !(await listens(server, address))) return null;
  // SAFETY: it listens on a port, not on a path.
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://${address}:${port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function listens(server: Server, address: string): Promise<boolean> {
  server.listen(0, address);
  try {
    await once(server, "listening");
    return true;
  } catch {
    return false;
  }
}

async function pass(request: IncomingMessage, response: ServerResponse, platform: PlatformAddress): Promise<void> {
  const { method, headers, url = "" } = request;
  const asked = url.startsWith("/") && URL.canParse(url, "http://inside") ? new URL(url, "http://inside") : null;
  if (asked === null || asked.host !== "inside" || !PLATFORM_PATHS.test(asked.pathname)) {
    response.writeHead(403).end("code in sessions reaches its account's storage here, and nothing else\n");
    return;
  }
  const path = asked.pathname + asked.search;
  const onward = askPlatform({ ...platform, method, path, headers: { ...headers, host: PLATFORM_HOST } });
  onward.once("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    // Whoever hangs up first ends the other.
    pipeline(answer, response).catch(() => undefined);
  });
  try {
    await pipeline(request, onward);
  } catch {
    if (!response.headersSent) response.writeHead(502);
    response.end();
  }
}
