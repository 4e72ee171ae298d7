// What a search in the files has found.
import { api } from "../../../state/access.ts";
import { useLoaded } from "../../../state/use-loaded.ts";
import { Empty } from "../../../parts/problem.tsx";
import { Show } from "../../../parts/show.tsx";
import { shownLine, shownName } from "./names.ts";

interface SearchResultsProps {
  readonly sessionId: string;
  readonly text: string;
  readonly show: (path: string, line: number) => void;
}

const MOST = 200;

/** Lines of all files that hold a text. */
export function SearchResults({ sessionId, text, show }: SearchResultsProps) {
  const found = useLoaded(
    (signal) => api().files.search({ sessionId, q: text, limit: MOST }, { signal }),
    [sessionId, text],
  );
  return (
    <div class="search-results">
      <Show of={found} what="what was found">
        {({ matches, truncated }) =>
          matches.length === 0 ? (
            <Empty title="Nothing was found">
              <p>No line of a file holds this text, written like this.</p>
            </Empty>
          ) : (
            <>
              <p class="muted" role="status">
                {truncated
                  ? `The first ${matches.length} lines`
                  : matches.length === 1
                    ? "1 line"
                    : `${matches.length} lines`}
              </p>
              <ul>
                {matches.map(({ path, line, text: found }) => (
                  <li key={`${path}\u0000${line}`}>
                    <button type="button" class="quiet" onClick={() => show(path, line)}>
                      <span class="match-place">
                        {shownName(path)}:{line}
                      </span>
                      <code>{shownLine(found.trim())}</code>
                    </button>
                  </li>
                ))}
              </ul>
            </>
          )
        }
      </Show>
    </div>
  );
}
