// Opens an address in the browser of whoever sits at this machine.
import { spawn } from "node:child_process";

const OPENERS: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  // Not by way of cmd, which would take an address for a command line.
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Does nothing where there is no browser: the address is printed in any case. */
export function openInBrowser(url: string): void {
  const { protocol } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:") return;
  const [program = "xdg-open", ...args] = OPENERS[process.platform] ?? [];
  const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
  child.once("error", () => {});
  child.unref();
}
