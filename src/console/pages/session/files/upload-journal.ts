// What was on its way up, kept by the tab, so that a page that is loaded anew can tell what did not get there.
import type { UploadJournal } from "./uploads.ts";

/** Of paths, so that a folder of many thousands does not fill the tab's store. */
const MOST = 1000;

export function journalOf(sessionId: string): UploadJournal {
  const place = `buntime.uploads.${sessionId}`;
  return {
    read: () => parse(sessionStorage.getItem(place)),
    write(paths) {
      if (paths.length === 0) sessionStorage.removeItem(place);
      else sessionStorage.setItem(place, JSON.stringify(paths.slice(0, MOST)));
    },
  };
}

function parse(text: string | null): string[] {
  // SAFETY: written above and by nobody else.
  return text === null ? [] : (JSON.parse(text) as string[]);
}
