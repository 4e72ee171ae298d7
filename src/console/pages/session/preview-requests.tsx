// The log of a preview's requests.
import { useState } from "preact/hooks";
import { api } from "../../state/access.ts";
import { useLoaded } from "../../state/use-loaded.ts";
import { formatBytes, formatDuration } from "../../parts/format.ts";
import { Show } from "../../parts/show.tsx";
import { Ago } from "../../parts/time-left.tsx";

const REFRESH_MS = 3000;
const SHOWN = 100;

/** What visitors of the previews asked for, newest first. */
export function PreviewRequests({ sessionId }: { readonly sessionId: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Requests</summary>
      {isOpen && <Requests sessionId={sessionId} />}
    </details>
  );
}

function Requests({ sessionId }: { readonly sessionId: string }) {
  const loader = useLoaded(
    (signal) => api().sessions.previewRequests({ sessionId, limit: SHOWN }, { signal }),
    [sessionId],
    {
      everyMs: REFRESH_MS,
    },
  );
  return (
    <Show of={loader} what="the requests">
      {({ requests }) =>
        requests.length === 0 ? (
          <p class="muted">None since its container started.</p>
        ) : (
          <div class="scroll requests" tabIndex={0}>
            <table class="data">
              <thead>
                <tr>
                  <th scope="col">when</th>
                  <th scope="col">port</th>
                  <th scope="col">request</th>
                  <th scope="col">status</th>
                  <th scope="col">time</th>
                  <th scope="col">bytes</th>
                </tr>
              </thead>
              <tbody>
                {requests.toReversed().map(({ seq, at, port, method, path, status, durationMs, bytes }) => (
                  <tr key={seq}>
                    <td>
                      <Ago at={at} />
                    </td>
                    <td>{port}</td>
                    <td class="command" title={path}>
                      {method} {path}
                    </td>
                    <td>{status}</td>
                    <td>{formatDuration(durationMs)}</td>
                    <td>{bytes === null ? "–" : formatBytes(bytes)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )
      }
    </Show>
  );
}
