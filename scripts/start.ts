// `npm start`: the whole platform on this machine, without Docker. Ends with 0 on Ctrl-C or TERM and leaves no process
// behind; sessions and their files are in the data directory and there at the next start.
// `npm run start:docker`: the same with real containers. None of them is left behind either; their files are saved first.
import { serve } from "../src/local/serve.ts";
import { readSettings } from "../src/local/settings.ts";
import { startDockerEngine } from "./docker/engine.ts";

const docker = process.argv.includes("--docker");

try {
  await serve(await readSettings(process.env), docker ? { subdirectory: "docker", engine: startDockerEngine } : {});
  process.exit(0);
} catch (error) {
  console.error(`buntime: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
