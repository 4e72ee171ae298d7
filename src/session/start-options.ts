// What a session's container is started with.
import type { ImageName } from "../contract/language.ts";
import type { ResourceLimits } from "../contract/session.ts";
import type { SupervisorEnvironment } from "../contract/supervisor.ts";
import type { StartOptions } from "./container.ts";
import { instanceFor } from "./instance.ts";

/** @throws Error where the platform does not have the image */
export function startOptions(
  token: string,
  {
    image: name,
    resourceLimits: limits,
    internet,
  }: { readonly image: ImageName; readonly resourceLimits: ResourceLimits; readonly internet: boolean },
  images: Readonly<Record<string, string>>,
): StartOptions {
  const env: SupervisorEnvironment & Record<string, string> = {
    BUNTIME_TOKEN: token,
    BUNTIME_MEMORY_MB: String(limits.memory),
    BUNTIME_DISK_MB: String(limits.disk),
    BUNTIME_INTERNET: internet ? "1" : "0",
    BUNTIME_IMAGE: name,
  };
  // Without named images the platform chooses image and size, from wrangler.toml.
  if (Object.keys(images).length === 0) {
    return { enableInternet: internet, env };
  }
  const image = images[name];
  if (image === undefined) {
    throw new Error(`this platform has no image ${name}; its operator adds it in wrangler.toml`);
  }
  return { image, instance: instanceFor(limits, name), enableInternet: internet, env };
}

/** 256 random bits, hex. */
export function randomToken(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
