// Addresses of a session's previews. Pure.

/** Of another port: `ses-x.host` becomes `ses-x-3000.host`; 8080 is the one without a number. */
export function previewUrlOf(previewUrl: string, port: number): string {
  const url = new URL(previewUrl);
  const [label = "", ...rest] = url.hostname.split(".");
  url.hostname = [port === 8080 ? label : `${label}-${port}`, ...rest].join(".");
  return url.href;
}

/** What was typed, within that preview: a path, or an address of it. Null: it leads elsewhere. */
export function addressWithin(previewUrl: string, typed: string): string | null {
  try {
    const url = new URL(typed.trim() === "" ? "/" : typed.trim(), previewUrl);
    return url.origin === new URL(previewUrl).origin ? url.href : null;
  } catch {
    return null;
  }
}
