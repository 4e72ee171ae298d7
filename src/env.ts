// What the operator configures: bindings and vars from wrangler.toml, secrets, and the embedded engine's address.

/** The generated bindings, with DOMAIN as any text and the optional secrets that wrangler.toml does not list. */
export interface Env extends Omit<Cloudflare.Env, "DOMAIN"> {
  /** Previews live at `ses-<id>.<DOMAIN>`; may carry a port. */
  readonly DOMAIN: string;
  /** The operator's key, at least 16 characters. */
  readonly BUNTIME_API_KEY?: string;
  /** Where the embedded engine answers, such as `http://127.0.0.1:40001`. Absent: the platform's containers. */
  readonly ENGINE_URL?: string;
  readonly ENGINE_TOKEN?: string;
}

const KEY_CHARACTERS_MIN = 16;

/** The configured API key, or `null` where it is missing or too short to be one. */
export function apiKey(env: Env): string | null {
  const key = env.BUNTIME_API_KEY;
  return key !== undefined && key.length >= KEY_CHARACTERS_MIN ? key : null;
}

/** `https://ses-….example.com`. Plain http on a machine of one's own: `localhost`, or a port that is not 443. */
export function publicOrigin(host: string, domain: string): string {
  const port = /:(\d+)$/.exec(domain)?.[1];
  const local = /^localhost(:|$)/.test(domain) || (port !== undefined && port !== "443");
  return `${local ? "http" : "https"}://${host}.${domain}`;
}
