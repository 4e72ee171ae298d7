// Docker as the engine, under workerd or under `wrangler dev`. However either ends, no container and no image of it is left:
// those of a run that was killed are removed at the next start, found by the Worker's name, which is the data directory's
// own, and by the tags that were noted there.
import { createHash } from "node:crypto";
import path from "node:path";
import type { Engine } from "../engine.ts";
import { sweepContainers } from "./containers.ts";
import { DOCKER, prepareImages, removeImages } from "./images.ts";

/** @throws Error when Docker or an image is not to be had */
export async function startDockerEngine({ dataDir }: { readonly dataDir: string }): Promise<Engine> {
  const worker = `buntime-${createHash("sha256").update(dataDir).digest("hex").slice(0, 8)}`;
  const tags = path.join(dataDir, "images");
  const env = await prepareImages();
  const containers = await sweepContainers(worker);
  await removeImages(tags);
  return {
    vars: {},
    docker: { worker, env: { ...env, WRANGLER_DOCKER_BIN: DOCKER, BUNTIME_IMAGES: tags } },
    drain: () => containers.drain(),
    async stop() {
      await containers.stop();
      await removeImages(tags);
    },
  };
}
