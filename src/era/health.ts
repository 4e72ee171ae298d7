// Whether ERA's API lives. Asked without a key.
const VERSION = "1";

export function eraHealth(now: Date): Response {
  return Response.json({ status: "healthy", timestamp: now.toISOString(), version: VERSION });
}
