// The bucket of a platform that does not run, as it lies in its data directory.
import { createRequire } from "node:module";
import path from "node:path";
import { WRANGLER } from "../../src/local/repository.ts";

/** What is used of R2's binding. */
export interface Bucket {
  put(key: string, value: string): Promise<unknown>;
  list(): Promise<{ readonly objects: readonly { readonly key: string }[] }>;
}

interface MiniflareModule {
  readonly Miniflare: new (options: unknown) => {
    getR2Bucket(name: string): Promise<Bucket>;
    dispose(): Promise<void>;
  };
  readonly convertV4MiniflareOptions: (options: unknown) => unknown;
}

export async function withBucket<T>(dataDir: string, work: (bucket: Bucket) => Promise<T>): Promise<T> {
  // SAFETY: the shape is that of the miniflare of the wrangler that package.json pins.
  const { Miniflare, convertV4MiniflareOptions } = createRequire(WRANGLER)("miniflare") as MiniflareModule;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: "",
      r2Buckets: ["SNAPSHOTS"],
      resourcePersistencePath: path.join(dataDir, "state"),
    }),
  );
  try {
    return await work(await miniflare.getR2Bucket("SNAPSHOTS"));
  } finally {
    await miniflare.dispose();
  }
}
