// A port for a server that another program opens a moment later, so it has to be known before.
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below the range that systems give out by themselves, so that no connection takes it meanwhile. */
const FIRST = 20_000;
const LAST = 32_000;
const TRIES = 20;

/**
 * A port that can be listened on, given back to be used at once: the wanted one, or any for 0.
 * @throws Error that names the port when something else has it.
 */
export async function claimPort(host: string, wanted: number): Promise<number> {
  for (let tries = 1; ; tries++) {
    const port = wanted === 0 ? randomInt(FIRST, LAST) : wanted;
    const code = await tryPort(host, port);
    if (code === null) return port;
    if (code !== "EADDRINUSE") throw new Error(`cannot listen on ${host}:${port} (${code})`);
    if (wanted !== 0 || tries === TRIES) {
      throw new Error(`port ${port} is in use; stop what listens there, or choose another with PORT=`);
    }
  }
}

/** Null when it can be listened on, else what stands in the way. */
async function tryPort(host: string, port: number): Promise<string | null> {
  const server = createServer();
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
  server.close();
  await once(server, "close");
  return null;
}
