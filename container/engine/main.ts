// The embedded engine: containers out of Linux namespaces, for machines without Docker. Started by `npm start` with
// ENGINE_PORT (0: any), ENGINE_TOKEN and BUNTIME_DATA_DIR, and ENGINE_SUPERVISOR where that is bundled already; says `{"engine":"ready","url":…}` when it answers. When it
// ends, however it ends, all its containers end, and their disks are gone: their files were saved by their sessions.
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { LAST_SAVE_MS } from "../../src/contract/limits.ts";
import { Containers } from "./containers.ts";
import { EngineDirectory } from "./directory.ts";
import { egressRules } from "./egress.ts";
import { identityKind } from "./identity.ts";
import { makeImage } from "./image.ts";
import { takeLock } from "./lock.ts";
import { checkPlatform, probe } from "./probe.ts";
import { serve } from "./server.ts";
import { userEnvironment } from "./user-environment.ts";

/** Beyond the time that a container has to have its files saved. */
const STOP_GRACE_MS = LAST_SAVE_MS + 8000;

async function boot(env: NodeJS.ProcessEnv): Promise<void> {
  const { ENGINE_PORT = "0", ENGINE_TOKEN: token = "", BUNTIME_DATA_DIR = ".buntime" } = env;
  if (token.length < 32) throw new Error("ENGINE_TOKEN is missing or shorter than 32 characters");
  checkPlatform();
  process.umask(0o022); // what is made for containers must be readable in them; the directory of it all is closed
  const directory = new EngineDirectory(resolve(BUNTIME_DATA_DIR));
  const lock = takeLock(directory.lock);
  const release = () => {
    rmSync(directory.image, { recursive: true, force: true });
    lock.release();
  };
  try {
    await directory.clean();
    const image = await makeImage(directory.image, env["ENGINE_SUPERVISOR"] || null);
    const identity = identityKind();
    await probe(image, identity, join(directory.image, "probe"));
    const host = { image, identity, egress: egressRules(env), userEnvironment: userEnvironment(env, image.root) };
    const containers = new Containers(host, directory);
    const server = serve(containers, { port: Number(ENGINE_PORT), token });

    const stop = async () => {
      await containers.close(STOP_GRACE_MS);
      await server.stop();
      release();
      process.exit(0);
    };
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.once(signal, () => void stop());
    console.log(JSON.stringify({ engine: "ready", url: server.url }));
  } catch (error) {
    release();
    throw error;
  }
}

await boot(process.env).catch((error: unknown) => {
  console.error(`engine: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
