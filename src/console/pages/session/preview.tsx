// A session's servers, shown in a frame of another origin.
import { useState } from "preact/hooks";
import { api } from "../../state/access.ts";
import { attempt } from "../../state/notices.ts";
import { useLoaded } from "../../state/use-loaded.ts";
import { CopyButton } from "../../parts/copy-button.tsx";
import { Empty } from "../../parts/problem.tsx";
import { Show } from "../../parts/show.tsx";
import type { TabProps } from "./tab-props.ts";
import { addressWithin, previewUrlOf } from "./preview-address.ts";
import { PreviewRequests } from "./preview-requests.tsx";

const PORT = 8080;
const REFRESH_MS = 5000;
const TOKEN_TTL = "1h";

const HELLO = `Bun.serve({ port: 8080, fetch: () => new Response("Hello from buntime") });`;

interface Framed {
  readonly url: string;
  /** Counts up to load the same address anew. */
  readonly version: number;
}

export function Preview({ session, loader: sessionLoader }: TabProps) {
  const sessionId = session.id;
  const processes = useLoaded((signal) => api().processes.list({ sessionId }, { signal }), [sessionId, session.state], {
    everyMs: REFRESH_MS,
  });
  const [port, setPort] = useState(PORT);
  const [typed, setTyped] = useState("/");
  const [isWrong, setWrong] = useState(false);
  const [framed, setFramed] = useState<Framed | null>(null);
  const base = previewUrlOf(session.previewUrl, port);

  /** A private preview wants a token, which becomes a cookie of its own host. */
  const addressOf = async (path: string): Promise<string | null> => {
    const address = addressWithin(base, path);
    if (address === null || session.preview === "public") return address;
    const { token } = await api().previews.createToken({ sessionId, port, expiresIn: TOKEN_TTL });
    const url = new URL(address);
    url.searchParams.set("token", token);
    return url.href;
  };
  const show = (path: string): Promise<boolean> =>
    attempt("The preview cannot be shown", async () => {
      const url = await addressOf(path);
      setWrong(url === null);
      if (url !== null) setFramed({ url, version: (framed?.version ?? 0) + 1 });
    });
  const openTab = (): Promise<boolean> =>
    attempt("The preview cannot be opened", async () => {
      const url = await addressOf(typed);
      if (url !== null) window.open(url, "_blank", "noreferrer");
    });
  const startHello = (): Promise<boolean> =>
    attempt("Not started", async () => {
      await api().execute({ sessionId, code: HELLO });
      await Promise.all([processes.reload(), sessionLoader.reload()]);
      await show("/");
    });
  const wake = (): Promise<boolean> =>
    attempt("Not woken", async () => {
      await api().sessions.wake({ sessionId });
      await sessionLoader.reload();
    });

  if (session.state === "deep-sleep") {
    return (
      <Empty title="The session sleeps">
        <p>Its servers ended when it fell asleep. Those that are services start again when it wakes.</p>
        <button type="button" class="primary" onClick={() => void wake()}>
          Wake it
        </button>
      </Empty>
    );
  }
  return (
    <Show of={processes} what="the servers">
      {(list) => {
        const ports = [...new Set(list.processes.flatMap((process) => process.ports))].toSorted((a, b) => a - b);
        const listens = ports.includes(port);
        return (
          <div class="preview-tab">
            <form
              class="row"
              onSubmit={(event) => {
                event.preventDefault();
                void show(typed);
              }}
            >
              <label class="inline">
                Port
                <input
                  type="number"
                  min={1}
                  max={65_535}
                  list="ports"
                  value={port}
                  onChange={(event) => {
                    setFramed(null);
                    setPort(Math.min(65_535, Math.max(1, Number(event.currentTarget.value) || PORT)));
                  }}
                />
              </label>
              <datalist id="ports">
                {ports.map((each) => (
                  <option key={each} value={each} />
                ))}
              </datalist>
              <input
                class="address"
                aria-label="Path within the preview"
                aria-invalid={isWrong ? "true" : undefined}
                value={typed}
                onInput={(event) => setTyped(event.currentTarget.value)}
              />
              <button type="submit" class="primary">
                {framed === null ? "Show" : "Reload"}
              </button>
              <button type="button" onClick={() => void openTab()}>
                Open in a tab
              </button>
              <CopyButton text={addressWithin(base, typed) ?? base} label="the address" />
            </form>
            {isWrong && <p class="problem">That address is not within this preview.</p>}
            {framed === null ? (
              <Nothing
                listens={listens}
                port={port}
                ports={ports}
                show={() => void show(typed)}
                choose={setPort}
                hello={() => void startHello()}
              />
            ) : (
              <iframe
                key={framed.version}
                title={`Preview of port ${port}`}
                src={framed.url}
                sandbox="allow-scripts allow-forms allow-same-origin allow-popups allow-modals allow-downloads"
                referrerpolicy="no-referrer"
              />
            )}
            <PreviewRequests sessionId={sessionId} />
          </div>
        );
      }}
    </Show>
  );
}

interface NothingProps {
  readonly listens: boolean;
  readonly port: number;
  readonly ports: readonly number[];
  readonly show: () => void;
  readonly choose: (port: number) => void;
  readonly hello: () => void;
}

/** What is there before a page is shown, or why there is none. */
function Nothing({ listens, port, ports, show, choose, hello }: NothingProps) {
  if (listens) {
    return (
      <Empty title={`A server listens on port ${port}`}>
        <button type="button" class="primary" onClick={show}>
          Show it
        </button>
      </Empty>
    );
  }
  return (
    <Empty title={`Nothing listens on port ${port}`}>
      {ports.length > 0 && (
        <p class="row">
          There are servers on other ports:{" "}
          {ports.map((each) => (
            <button key={each} type="button" onClick={() => choose(each)}>
              Port {each}
            </button>
          ))}
        </p>
      )}
      <p>A server in the session shows here, and under the address above for whoever may see it:</p>
      <pre class="log">{HELLO}</pre>
      <button type="button" onClick={hello}>
        Run this one
      </button>
    </Empty>
  );
}
