// One platform for the whole run, unless BUNTIME_E2E_URL (with _KEY and _DOMAIN) names one that runs already.
import { startTestPlatform } from "../support/platform.ts";

export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env["BUNTIME_E2E_URL"] !== undefined) return undefined;
  const platform = await startTestPlatform({ docker: process.env["BUNTIME_E2E"] === "docker" });
  process.env["BUNTIME_E2E_URL"] = platform.client.url.origin;
  process.env["BUNTIME_E2E_KEY"] = platform.client.apiKey;
  process.env["BUNTIME_E2E_DOMAIN"] = platform.client.domain;
  return () => platform.stop();
}
