// What runs in a session, and its services.
import { useState } from "preact/hooks";
import type { Process, ProcessList, ServiceInput, ServiceStatus } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";
import { now } from "../../state/clock.ts";
import { attempt } from "../../state/notices.ts";
import { useLoaded } from "../../state/use-loaded.ts";
import { formatAge, formatBytes, formatDuration } from "../../parts/format.ts";
import { Empty } from "../../parts/problem.tsx";
import { Show } from "../../parts/show.tsx";
import { Ago } from "../../parts/time-left.tsx";
import type { TabProps } from "./tab-props.ts";
import { AddService } from "./add-service.tsx";
import { ExecutionLog } from "./execution-log.tsx";
import { setService } from "./set-service.ts";

const REFRESH_MS = 5000;

const ENDED: Readonly<Record<NonNullable<ProcessList["ended"]>["reason"], string>> = {
  "deep-sleep": "it went to sleep",
  restore: "its files were restored",
  lost: "it was lost",
};

/** Share of one CPU since the last look, by pid and start: a pid may be used again. */
function useCpuShares(list: ProcessList | null): ReadonlyMap<string, number> {
  const [[before, at, shares], keep] = useState<readonly [ProcessList | null, number, ReadonlyMap<string, number>]>([
    null,
    0,
    new Map(),
  ]);
  if (list === before || list === null) return shares;
  const time = Date.now();
  const was = new Map(before?.processes.map((process) => [identityOf(process), process.cpu]));
  const fresh = new Map(
    list.processes.flatMap((process) => {
      const cpu = was.get(identityOf(process));
      return cpu === undefined
        ? []
        : [[identityOf(process), Math.max(0, process.cpu - cpu) / Math.max(1, time - at)] as const];
    }),
  );
  keep([list, time, fresh]);
  return fresh;
}

const identityOf = ({ pid, startedAt }: Process): string => `${pid} ${startedAt}`;

export function Processes({ session, loader: sessionLoader }: TabProps) {
  const sessionId = session.id;
  const loader = useLoaded((signal) => api().processes.list({ sessionId }, { signal }), [sessionId, session.state], {
    everyMs: REFRESH_MS,
  });
  const shares = useCpuShares(loader.state.value.value);
  const [log, setLog] = useState<string | null>(null);
  const [isAdding, setAdding] = useState(false);

  const kill = async (pid: number): Promise<void> => {
    if (await attempt("Not ended", () => api().execution.kill({ sessionId, pid }))) await loader.reload();
  };
  const reload = (): Promise<unknown> => Promise.all([loader.reload(), sessionLoader.reload()]);
  const addService = async (service: ServiceInput): Promise<void> => {
    await setService(sessionId, service.name, service);
    await reload();
  };
  const removeService = async (name: string): Promise<void> => {
    if (await attempt("Not removed", () => setService(sessionId, name, null))) await reload();
  };

  return (
    <Show of={loader} what="processes">
      {({ processes, services, ended }) => (
        <div class="stack">
          {processes.length === 0 && (
            <Empty title="Nothing runs">
              {session.state === "deep-sleep" && <p>The session sleeps: it has no container, and nothing is spent.</p>}
              {ended !== null && (
                <p>
                  Its last container ended <Ago at={ended.at} /> because {ENDED[ended.reason]}
                  {ended.processes.length > 0 &&
                    `, and with it ${ended.processes.map(({ command }) => command).join("; ")}`}
                  .
                </p>
              )}
            </Empty>
          )}
          {processes.length > 0 && (
            <div class="scroll" tabIndex={0}>
              <table class="data">
                <caption class="visually-hidden">Processes</caption>
                <thead>
                  <tr>
                    <th scope="col">pid</th>
                    <th scope="col">command</th>
                    <th scope="col">CPU</th>
                    <th scope="col">memory</th>
                    <th scope="col">ports</th>
                    <th scope="col">since</th>
                    <th scope="col">
                      <span class="visually-hidden">what can be done</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {processes.map((process) => (
                    <ProcessRow
                      key={identityOf(process)}
                      of={process}
                      share={shares.get(identityOf(process)) ?? null}
                      kill={() => void kill(process.pid)}
                      showLog={process.executionId === null ? null : () => setLog(process.executionId)}
                    />
                  ))}
                </tbody>
              </table>
            </div>
          )}
          {log !== null && <ExecutionLog sessionId={sessionId} executionId={log} onClose={() => setLog(null)} />}
          <div class="row">
            <h2>Services</h2>
            <span class="muted">started on every wake, and again when they end</span>
            <span class="spacer" />
            <button type="button" onClick={() => setAdding(true)}>
              Add a service
            </button>
          </div>
          {services.length === 0 ? (
            <p class="muted">None. A server that is to answer after a deep sleep belongs here.</p>
          ) : (
            <ul class="cards">
              {services.map((service) => (
                <ServiceCard key={service.name} of={service} remove={() => void removeService(service.name)} />
              ))}
            </ul>
          )}
          {isAdding && (
            <AddService
              taken={session.services.map(({ name }) => name)}
              onClose={() => setAdding(false)}
              add={addService}
            />
          )}
        </div>
      )}
    </Show>
  );
}

interface ProcessRowProps {
  readonly of: Process;
  /** Of one CPU; null: not known yet. */
  readonly share: number | null;
  readonly kill: () => void;
  readonly showLog: (() => void) | null;
}

function ProcessRow({ of: process, share, kill, showLog }: ProcessRowProps) {
  const { pid, command, cpu, memory, ports, startedAt } = process;
  return (
    <tr>
      <td>{pid}</td>
      <td class="command" title={command}>
        <code>{command}</code>
      </td>
      <td title={`${formatDuration(cpu)} so far`}>
        {share === null ? formatDuration(cpu) : `${Math.round(share * 100)} %`}
      </td>
      <td>{formatBytes(memory)}</td>
      <td>{ports.join(", ")}</td>
      <td>{formatAge(startedAt, now.value)}</td>
      <td class="row">
        {showLog !== null && (
          <button type="button" aria-label={`Log of ${pid}`} onClick={showLog}>
            Log
          </button>
        )}
        <button type="button" class="danger" aria-label={`Kill ${pid}`} onClick={kill}>
          Kill
        </button>
      </td>
    </tr>
  );
}

function ServiceCard({ of: service, remove }: { readonly of: ServiceStatus; readonly remove: () => void }) {
  const { name, command, port, status, restarts, lastExit, log } = service;
  return (
    <li class="card">
      <div class="row">
        <strong>{name}</strong>
        <span class={`service-${status}`}>{status}</span>
        {port !== null && <span class="tag">port {port}</span>}
        <span class="spacer" />
        <button type="button" class="danger" aria-label={`Remove ${name}`} onClick={remove}>
          Remove
        </button>
      </div>
      <code class="wrap">{command}</code>
      <p class="muted">
        {restarts} {restarts === 1 ? "restart" : "restarts"}
        {lastExit !== null && ` · ended last with ${lastExit}`}
      </p>
      {log.length > 0 && (
        <pre class="log" tabIndex={0} aria-label={`Last lines of ${name}`}>
          {log.join("\n")}
        </pre>
      )}
    </li>
  );
}
