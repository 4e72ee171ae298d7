// What a person sees in a browser when a preview cannot be shown: why, and what to do.
import type { ErrorBody } from "../contract/errors.ts";

export function previewPage(
  error: ErrorBody["error"],
  port: number,
  init: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
): Response {
  const isPrivate = error.code === "unauthorized";
  const help =
    error.code === "preview_unavailable"
      ? `<p>Start one in the session, for example:</p>
<pre>Bun.serve({ port: ${port}, fetch: () => new Response("Hello") });</pre>
<p>Then reload this page.</p>`
      : "";
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${error.code}</title>
<style>
  body { font: 16px/1.6 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1rem; }
  pre { padding: 1rem; background: #8882; overflow-x: auto }
  small { opacity: .6 }
  :root { color-scheme: light dark }
</style>
<h1>${isPrivate ? "This preview is private" : "No preview here yet"}</h1>
<p>${escapeHtml(error.message)}</p>
${help}
<small>${error.code} · ${escapeHtml(error.requestId ?? "")}</small>
</html>
`;
  return new Response(html, {
    status: init.status,
    headers: { ...init.headers, "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
  });
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
