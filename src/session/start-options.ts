// What a session's container is started with.
import type { ResourceLimits } from "../contract/session.ts";
import type { SupervisorEnvironment } from "../contract/supervisor.ts";
import type { StartOptions } from "./container.ts";
import { instanceFor } from "./instance.ts";

export function startOptions(
  token: string,
  limits: ResourceLimits,
  images: Readonly<Record<string, string>>,
): StartOptions {
  const env: SupervisorEnvironment & Record<string, string> = {
    BUNTIME_TOKEN: token,
    BUNTIME_MEMORY_MB: String(limits.memory),
    BUNTIME_DISK_MB: String(limits.disk),
  };
  const image = images["bun"];
  // Without named images the platform chooses image and size, from wrangler.toml.
  return image === undefined
    ? { enableInternet: true, env }
    : { image, instance: instanceFor(limits), enableInternet: true, env };
}

/** 256 random bits, hex. */
export function randomToken(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
