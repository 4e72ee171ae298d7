// Finds a session's container among Docker's, for tests that harm it.
import { execFileSync } from "node:child_process";
import type { Client } from "../../scripts/client.ts";

export const docker = (...args: string[]): string =>
  execFileSync("docker", args, { encoding: "utf8", stdio: "pipe" }).trim();

/** The name of a session's container; its network sidecar's ends with `-proxy`. */
export async function containerOf(client: Client, sessionId: string): Promise<string> {
  // Both share the sidecar's host name, which is its id.
  const { stdout } = await client.execute({ sessionId, command: "cat /etc/hostname" });
  return docker("inspect", "--format", "{{.Name}}", stdout.trim())
    .replace(/^\//, "")
    .replace(/-proxy$/, "");
}
