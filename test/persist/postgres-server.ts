// A Postgres server of its own for the tests of a file, on a Unix socket in a new folder: Debian's package `postgresql`.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { userInfo } from "node:os";
import path from "node:path";
import { Client } from "pg";
import { TIED } from "../../src/local/repository.ts";
import { until } from "../support/until.ts";

/** Of the newest version. Undefined where there is none. */
const BIN = globSync("/usr/lib/postgresql/*/bin")
  .toSorted((one, other) => versionOf(one) - versionOf(other))
  .at(-1);

export const HAS_POSTGRES = BIN !== undefined;

export interface PostgresServer {
  /** The folder of its socket: `host` of a connection. */
  readonly host: string;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<PostgresServer> {
  // The path of a socket has to be short.
  const home = mkdtempSync("/tmp/buntime-pg-");
  // It refuses to run as root.
  const root = userInfo().uid === 0;
  const [program, ...prefix] = root ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : ["env"];
  if (root) {
    const [uid, gid] = ["-u", "-g"].map((flag) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" })));
    chownSync(home, uid ?? 0, gid ?? 0);
  }
  chmodSync(home, 0o700);
  const data = path.join(home, "data");
  const remove = (): void => rmSync(home, { recursive: true, force: true });
  try {
    const init = [
      `${BIN}/initdb`,
      "-D",
      data,
      "-U",
      "postgres",
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--no-sync",
      "--locale=C.UTF-8",
    ];
    execFileSync(program ?? "env", [...prefix, ...init], { cwd: home, stdio: "pipe" });
    const settings = ["listen_addresses=", "fsync=off", "shared_buffers=16MB", "max_connections=40"];
    const server = spawn(
      TIED,
      [...prefix, `${BIN}/postgres`, "-D", data, "-k", home, ...settings.flatMap((setting) => ["-c", setting])],
      { cwd: home, stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, TIED: program } },
    );
    let said = "";
    server.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-4096)));
    const closed = once(server, "close");
    const stop = async (): Promise<void> => {
      // It waits for its clients, who are about to leave; for one who stays, not for long.
      server.kill("SIGTERM");
      const late = setTimeout(() => server.kill("SIGQUIT"), 10_000);
      await closed;
      clearTimeout(late);
      remove();
    };
    await until(
      "Postgres answers",
      async () => {
        if (server.exitCode !== null) throw new Error(`Postgres ended with ${server.exitCode}: ${said}`);
        return await answers(home);
      },
      { deadlineMs: 50_000 },
    );
    return { host: home, stop };
  } catch (error) {
    remove();
    throw error;
  }
}

async function answers(host: string): Promise<boolean> {
  const client = new Client({ host, user: "postgres", database: "postgres" });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

function versionOf(bin: string): number {
  return Number(path.basename(path.dirname(bin)));
}
