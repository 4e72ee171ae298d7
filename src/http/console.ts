// What is served for an address of the console, and under which policy. Pure.

const BASE = "/console";
const PAGE = `${BASE}/index.html`;
/** Their names hold a digest of what is in them. */
const HASHED = `${BASE}/assets/`;
/** With a dot, so that no page's address looks like it; none that is hidden. */
const FILE = /^(?:\/[\w-][\w.-]*)*\/[\w-][\w-]*\.[\w.-]+$/;
/** What can stand in a policy as it is: a Host header may hold more. */
const PLAIN_HOST = /^[a-z0-9.-]+(?::\d+)?$/;

interface ConsoleFile {
  /** Path of the asset. */
  readonly file: string;
  readonly cacheControl: string;
}

export function isConsole(path: string): boolean {
  return path === BASE || path.startsWith(`${BASE}/`);
}

/** The asset for a `path` below `/console/`: a file of the build, or the page, which reads the address by itself. */
export function consoleFile(path: string): ConsoleFile {
  if (path.startsWith(HASHED)) {
    return { file: path, cacheControl: "public, max-age=31536000, immutable" };
  }
  return { file: FILE.test(path) ? path : PAGE, cacheControl: "no-cache" };
}

/** For the page at a URL; `previews` is the source of what it may frame. */
export function consolePolicy({ protocol, host }: URL, previews: string): string {
  // Browsers differ in whether 'self' holds for WebSockets.
  const sockets = PLAIN_HOST.test(host) ? ` ${protocol === "https:" ? "wss" : "ws"}://${host}` : "";
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' data: blob:",
    `connect-src 'self'${sockets}`,
    `frame-src ${previews}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
