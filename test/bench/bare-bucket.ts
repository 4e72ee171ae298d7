// Run by node: `node bare-bucket.ts <directory> <count> <bytes>`. A Worker that does nothing but stream objects of this
// size into R2, two at a time as a session does, in a workerd of its own: what the local R2 costs by itself. Prints JSON:
// how long it took, and how much workerd has grown.
import { createHash, randomFillSync } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { WRANGLER } from "../../src/local/repository.ts";
import { descendants } from "../support/processes.ts";
import { MemoryPeaks } from "./memory-peaks.ts";
import { timed } from "./statistics.ts";

interface MiniflareModule {
  readonly Miniflare: new (options: unknown) => { readonly ready: Promise<URL>; dispose(): Promise<void> };
  readonly convertV4MiniflareOptions: (options: unknown) => unknown;
}

const [directory = "", count = "1", bytes = "1"] = process.argv.slice(2);
const object = randomFillSync(Buffer.alloc(Number(bytes)));
const digest = createHash("sha256").update(object).digest("hex");
const source = createServer((_request, response) => {
  response.writeHead(200, { "content-length": object.length });
  response.end(object);
});
await once(source.listen(0, "127.0.0.1"), "listening");
// SAFETY: a server that listens on a port has such an address.
const { port } = source.address() as AddressInfo;

const WORKER = `export default {
  async fetch(request, env) {
    const count = Number(new URL(request.url).searchParams.get("count"));
    let next = 0;
    const pull = async () => {
      for (let at = next++; at < count; at = next++) {
        const { body } = await fetch("http://127.0.0.1:${port}/");
        await env.BUCKET.put("object-" + at, body, { sha256: "${digest}" });
      }
    };
    await Promise.all([pull(), pull()]);
    return new Response("stored");
  },
};`;

// SAFETY: the shape is that of the miniflare of the wrangler that package.json pins, as in src/local/repository.ts.
const { Miniflare, convertV4MiniflareOptions } = createRequire(WRANGLER)("miniflare") as MiniflareModule;
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    resourcePersistencePath: directory,
    workers: [
      {
        name: "bare",
        modules: [{ type: "ESModule", path: "index.js", contents: WORKER }],
        compatibilityDate: /^compatibility_date = "(.*)"$/m.exec(
          readFileSync(`${import.meta.dirname}/../../wrangler.toml`, "utf8"),
        )?.[1],
        r2Buckets: ["BUCKET"],
      },
    ],
  }),
);
const url = await miniflare.ready;
const store = async (objects: number): Promise<void> => {
  const response = await fetch(new URL(`/?count=${objects}`, url));
  if ((await response.text()) !== "stored") throw new Error(`the Worker answered ${response.status}`);
};
// Code is compiled, and connections are made.
await store(4);
const memory = new MemoryPeaks(() => descendants(process.pid));
const ms = await memory.during(() => timed(() => store(Number(count))));
console.log(JSON.stringify({ ms, grownBytes: memory.growthOf(/workerd/) }));
await miniflare.dispose();
process.exit(0);
