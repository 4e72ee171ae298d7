// A TCP connection to the platform, for what no HTTP client would send.
import { connect } from "node:net";
import { run } from "./accounts.ts";

const GIVEN_UP_MS = 3000;

/**
 * All that came back until the other side closed, or had been silent for so long after that many answers. `bytes` go out
 * as they are.
 */
export async function exchange(bytes: string | Buffer, { answers = 1 } = {}): Promise<string> {
  const { hostname, port } = new URL(run.url);
  const socket = connect(Number(port), hostname);
  let text = "";
  await new Promise<void>((resolve) => {
    socket.setTimeout(GIVEN_UP_MS, resolve);
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (answersIn(text).length >= answers && isWhole(text)) socket.setTimeout(100);
    });
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.write(bytes);
  });
  socket.destroy();
  return text;
}

/** The status of each answer. */
export function answersIn(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

function isWhole(text: string): boolean {
  const head = text.indexOf("\r\n\r\n");
  const length = /^content-length: (\d+)/im.exec(text.slice(0, head))?.[1];
  return head !== -1 && (length === undefined || text.length >= head + 4 + Number(length));
}
