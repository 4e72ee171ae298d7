// Hands bytes to the browser as a download. They are fetched with the key first: an address with a key in it would be kept
// in places where no key belongs.
import { api } from "../../../state/access.ts";
import { nameOf } from "./names.ts";

/** The address is needed until the browser has begun to read from it. */
const NEEDED_MS = 60_000;

export async function downloadFile(sessionId: string, path: string): Promise<void> {
  const response = await api().files.download({ sessionId, path });
  saveAs(await response.blob(), nameOf(path));
}

export async function downloadArchive(sessionId: string, name: string): Promise<void> {
  const stream = await api().files.archive({ sessionId });
  saveAs(await new Response(stream).blob(), `${name}.tar.gz`);
}

function saveAs(blob: Blob, name: string): void {
  const link = document.createElement("a");
  // Of no type: a page among the files must never be shown as one of this origin.
  link.href = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), NEEDED_MS);
}
