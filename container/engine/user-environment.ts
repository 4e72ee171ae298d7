// What of the host's environment user processes in containers are given: where they find certificates, and their package
// registry. Must not happen: a credential that slips in with it.
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const CERTIFICATES = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO"];
const DIRECTORY = "/opt/buntime/certificates";

/** Certificate files are copied into the image, one per variable. */
export function userEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  imageRoot: string,
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const name of CERTIFICATES) {
    const path = env[name];
    if (path === undefined || !existsSync(path)) continue;
    mkdirSync(join(imageRoot, DIRECTORY), { recursive: true });
    const target = join(DIRECTORY, `${name}.pem`);
    copyFileSync(path, join(imageRoot, target));
    result[name] = target;
  }
  const registry = env["NPM_CONFIG_REGISTRY"] ?? env["npm_config_registry"];
  if (
    registry !== undefined &&
    URL.canParse(registry) &&
    new URL(registry).password === "" &&
    new URL(registry).username === ""
  ) {
    result["NPM_CONFIG_REGISTRY"] = registry;
  }
  return result;
}
