// The environment of user processes: made from nothing, so that nothing of the supervisor's leaks into it.
import type { Config } from "../config.ts";
import { EGRESS_PORT } from "../net/egress.ts";

/** Names the execution in the environment of all its processes, so that one that has left its session is still known. */
export const EXECUTION_MARK = "BUNTIME_EXECUTION_ID";
/** The same for a service, by its name. */
export const SERVICE_MARK = "BUNTIME_SERVICE";
/** And for a terminal, by its id. */
export const TERMINAL_MARK = "BUNTIME_TERMINAL_ID";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export function baseEnvironment(config: Config): Readonly<Record<string, string>> {
  const data = `${config.workspace}/.buntime`;
  return {
    PATH: process.env["PATH"] ?? DEFAULT_PATH,
    HOME: `${data}/home`,
    USER: "bun",
    LOGNAME: "bun",
    SHELL: "/bin/sh",
    LANG: "C.UTF-8",
    TMPDIR: "/tmp",
    BUN_INSTALL_CACHE_DIR: `${data}/install`,
    ...(config.sockets === null ? {} : proxyVariables()),
    ...config.userEnvironment,
  };
}

function proxyVariables(): Record<string, string> {
  const proxy = `http://127.0.0.1:${EGRESS_PORT}`;
  const none = "localhost,127.0.0.1,::1";
  return {
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
    NO_PROXY: none,
    no_proxy: none,
  };
}
