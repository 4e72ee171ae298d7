// `buntime dev`: a whole platform on this machine.
import type { Command } from "commander";
import { examples } from "../program.ts";
import { port } from "../values.ts";

export function define(dev: Command): void {
  dev
    .description(
      "Run a whole platform on this machine, without Docker, until Ctrl-C. Sessions and their files are there at the next " +
        "start.",
    )
    .option("-p, --port <port>", "where it listens (default: 8787)", port)
    .option("--host <address>", "on which address (default: 127.0.0.1)")
    .option("--data-dir <folder>", "where everything is kept (default: .buntime)")
    .addHelpText(
      "after",
      "\nEnvironment: PORT, HOST, DOMAIN, BUNTIME_API_KEY, BUNTIME_ADMIN_KEY, BUNTIME_DATA_DIR, and those of wrangler.toml.\n" +
        examples("$ buntime dev", "$ buntime dev --port 9000 --data-dir /srv/buntime"),
    )
    .action(start);
}

async function start(options: { port?: number; host?: string; dataDir?: string }): Promise<void> {
  const [{ serve }, { readSettings }] = await Promise.all([
    import("../../local/serve.ts"),
    import("../../local/settings.ts"),
  ]);
  const { port, host, dataDir } = options;
  const settings = await readSettings({
    ...process.env,
    ...(port === undefined ? {} : { PORT: String(port) }),
    ...(host === undefined ? {} : { HOST: host }),
    ...(dataDir === undefined ? {} : { BUNTIME_DATA_DIR: dataDir }),
  });
  await serve(settings);
}
