// A TCP proxy in front of a platform that does to single requests what networks do: loses them, loses their answers, cuts
// answers short, answers itself. It reads of HTTP only where a request begins, which is where its client sends after
// having been answered.
import { createServer, connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { once } from "node:events";
import { onTestFinished } from "vitest";

export type Fault =
  /** The connection ends before the request is passed on. */
  | { readonly kind: "lose-request" }
  /** The platform gets the whole request; the connection ends with the first byte of the answer. */
  | { readonly kind: "lose-answer" }
  /** The connection ends after so many bytes of the answer. */
  | { readonly kind: "cut"; readonly bytes: number }
  /** The proxy answers itself, and the platform sees nothing. */
  | { readonly kind: "answer"; readonly text: string };

interface Planned {
  readonly fault: Fault;
  /** Of the request's first line. */
  readonly match: RegExp;
}

export interface UnsteadyProxy {
  readonly url: URL;
  /** First lines of the requests that came, in order. */
  readonly seen: readonly string[];
  /** Faults that have happened. */
  readonly done: readonly Fault[];
  /** For the next requests whose first line matches, one after the other. What is not planned for passes. */
  plan(faults: readonly Fault[], match?: RegExp): void;
}

const REQUEST = /^[A-Z]+ \S+ HTTP\/1\.1\r\n/;

/** Ends with the test. */
export async function unsteadyProxy(target: URL): Promise<UnsteadyProxy> {
  const planned: Planned[] = [];
  const seen: string[] = [];
  const done: Fault[] = [];
  const open = new Set<Socket>();

  const take = (line: string): Fault | null => {
    seen.push(line);
    const index = planned.findIndex(({ match }) => match.test(line));
    const fault = planned.splice(index, index === -1 ? 0 : 1)[0]?.fault ?? null;
    if (fault !== null) done.push(fault);
    return fault;
  };

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let fault: Fault | null = null;
    let answered = 0;
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", end);
      socket.on("close", () => {
        open.delete(socket);
        end();
      });
    }
    client.on("data", (bytes) => {
      const line = REQUEST.exec(bytes.toString("latin1"))?.[0].trim();
      if (line !== undefined) {
        fault = take(line);
        answered = 0;
        if (fault?.kind === "answer") client.end(fault.text);
      }
      if (fault?.kind === "lose-request") end();
      else if (fault?.kind !== "answer") upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (fault?.kind === "lose-answer") {
        end();
      } else if (fault?.kind === "cut" && answered + bytes.length >= fault.bytes) {
        const rest = bytes.subarray(0, fault.bytes - answered);
        client.write(rest, end);
      } else {
        answered += bytes.length;
        client.write(bytes);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    seen,
    done,
    plan: (faults, match = /./) => void planned.push(...faults.map((fault) => ({ fault, match }))),
  };
}

/** An answer as a proxy or a server would write it. */
export function httpAnswer(status: number, body: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ "content-length": String(Buffer.byteLength(body)), connection: "close", ...headers });
  return `HTTP/1.1 ${status} x\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`;
}
