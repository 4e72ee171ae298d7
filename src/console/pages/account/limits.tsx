// The limits of the plan.
import type { OwnAccount } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";
import { useLoaded } from "../../state/use-loaded.ts";
import { formatBytes, formatSpan } from "../../parts/format.ts";
import { Meter } from "../../parts/meter.tsx";
import { Show } from "../../parts/show.tsx";

const MB = 1024 * 1024;
const REFRESH_MS = 15_000;

/** What the plan comes to, and how close the account is to it. */
export function Limits() {
  const loader = useLoaded((signal) => api().account.get({ signal }), [], { everyMs: REFRESH_MS });
  return (
    <Show of={loader} what="the limits">
      {(account) => (
        <div class="stack">
          <p>
            <strong>{account.name}</strong> is on the plan <strong>{account.plan}</strong>.
          </p>
          <Meter
            name="sessions"
            value={account.sessions}
            most={account.limits.sessions}
            format={(count) => count.toLocaleString()}
          />
          {account.budget?.activeSeconds !== undefined && (
            <Meter
              name="active time"
              value={account.spent.activeSeconds}
              most={account.budget.activeSeconds}
              format={(seconds) => formatSpan(seconds * 1000)}
            />
          )}
          {account.budget?.executions !== undefined && (
            <Meter
              name="executions"
              value={account.spent.executions}
              most={account.budget.executions}
              format={String}
            />
          )}
          <Numbers of={account.limits} />
        </div>
      )}
    </Show>
  );
}

function Numbers({ of: limits }: { readonly of: OwnAccount["limits"] }) {
  const rows: readonly (readonly [name: string, value: string])[] = [
    ["memory of a session", formatBytes(limits.memoryMb * MB)],
    ["CPU of a session", `${limits.cpu} vCPU`],
    ["disk of a session", formatBytes(limits.diskMb * MB)],
    ["time-out of an execution", `${limits.timeoutSeconds.default} s, at most ${limits.timeoutSeconds.max} s`],
    ["time to live of a session", `at most ${formatSpan(limits.ttlMaxSeconds * 1000)}`],
    ["requests", `${limits.requestsPerMinute.toLocaleString()} a minute for each key`],
    ["previews", `${limits.previewsPerMinute.toLocaleString()} requests a minute`],
    ["a file through JSON", formatBytes(limits.fileBytes)],
    ["files of a request", limits.filesPerRequest.toLocaleString()],
  ];
  return (
    <div>
      <table class="data wraps">
        <caption class="visually-hidden">Limits of the plan</caption>
        <tbody>
          {rows.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
