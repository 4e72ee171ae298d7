// The environment of user processes: made from nothing, so that nothing of the supervisor's leaks into it.
import type { Config } from "../config.ts";
import { EGRESS_PORT } from "../net/egress.ts";

/** Names the execution in the environment of all its processes, so that one that has left its session is still known. */
export const EXECUTION_MARK = "BUNTIME_EXECUTION_ID";
/** The same for a service, by its name. */
export const SERVICE_MARK = "BUNTIME_SERVICE";
/** And for a terminal, by its id. */
export const TERMINAL_MARK = "BUNTIME_TERMINAL_ID";
/** And for a context. */
export const CONTEXT_MARK = "BUNTIME_CONTEXT_ID";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export function baseEnvironment(config: Config): Readonly<Record<string, string>> {
  const data = `${config.workspace}/.buntime`;
  const home = `${data}/home`;
  return {
    PATH: `${home}/.local/bin:${process.env["PATH"] ?? DEFAULT_PATH}`,
    HOME: home,
    USER: "bun",
    LOGNAME: "bun",
    SHELL: "/bin/sh",
    LANG: "C.UTF-8",
    TMPDIR: "/tmp",
    BUN_INSTALL_CACHE_DIR: `${data}/install`,
    ...packageVariables(home, config.cache),
    ...networkVariables(config),
    ...config.userEnvironment,
  };
}

/**
 * Of the tools of languages: what is installed for all projects goes into ~/.local, which is saved with the workspace, and
 * what can be had again into the cache, which is not. pip chooses ~/.local by itself, except in a virtual environment.
 */
function packageVariables(home: string, cache: string): Record<string, string> {
  return {
    // What was printed before a program was ended must not be lost with it.
    PYTHONUNBUFFERED: "1",
    PIP_BREAK_SYSTEM_PACKAGES: "1",
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    PIP_CACHE_DIR: `${cache}/pip`,
    NPM_CONFIG_PREFIX: `${home}/.local`,
    NPM_CONFIG_CACHE: `${cache}/npm`,
    NPM_CONFIG_UPDATE_NOTIFIER: "false",
    GOBIN: `${home}/.local/bin`,
    GOCACHE: `${cache}/go-build`,
    // Otherwise nobody but root could remove a module.
    GOFLAGS: "-modcacherw",
    DENO_INSTALL_ROOT: `${home}/.local`,
    DENO_NO_UPDATE_CHECK: "1",
    // The machine's own authorities as well.
    DENO_TLS_CA_STORE: "mozilla,system",
  };
}

function networkVariables({ internet, sockets }: Config): Record<string, string> {
  if (internet) return sockets === null ? {} : proxyVariables();
  // A name that cannot be resolved looks to them as if it could be later: npm would try for two minutes.
  return { NPM_CONFIG_FETCH_RETRIES: "0", PIP_RETRIES: "0" };
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
