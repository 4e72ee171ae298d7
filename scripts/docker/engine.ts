// Docker as the engine, under workerd or under `wrangler dev`. However either ends, no container and no image of it is left:
// those of a run that was killed are removed at the next start, found by the Worker's name, which is the data directory's
// own, and by the tags that were noted there.
import { createHash } from "node:crypto";
import path from "node:path";
import type { Engine } from "../../src/local/engine.ts";
import { sweepContainers } from "./containers.ts";
import { openStorageDoor } from "./storage-door.ts";
import type { PlatformAddress } from "./storage-door.ts";
import { buildImage, DOCKER, prepareImages, removeImages } from "./images.ts";

/** @throws Error when Docker or an image is not to be had */
export async function startDockerEngine({
  dataDirectory,
  platform,
}: {
  readonly dataDirectory: string;
  readonly platform: PlatformAddress;
}): Promise<Engine> {
  const worker = `buntime-${createHash("sha256").update(dataDirectory).digest("hex").slice(0, 8)}`;
  const tags = path.join(dataDirectory, "images");
  const env = { ...(await prepareImages()), WRANGLER_DOCKER_BIN: DOCKER, BUNTIME_IMAGES: tags };
  const containers = await sweepContainers(worker);
  await removeImages(tags);
  const door = await openStorageDoor(platform);
  return {
    variables: door === null ? {} : { INSIDE_ORIGIN: door.origin },
    docker: { worker, env, build: (image) => buildImage(image, env) },
    drain: () => containers.drain(),
    async stop() {
      door?.close();
      await containers.stop();
      await removeImages(tags);
    },
  };
}
