// The account's keys: made, rotated, revoked.
import { useState } from "preact/hooks";
import type { CreateKey, Key, NewKey } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";
import { asBuntimeError } from "../../state/loaded.ts";
import { attempt } from "../../state/notices.ts";
import { useLoaded } from "../../state/use-loaded.ts";
import { CopyButton } from "../../parts/copy-button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Empty } from "../../parts/problem.tsx";
import { Show } from "../../parts/show.tsx";
import { Ago, TimeLeft } from "../../parts/time-left.tsx";

const SCOPES = ["sessions:read", "sessions:write", "execute", "files:read", "files:write", "admin"] as const;

type Asked = { readonly what: "create" } | { readonly what: "rotate" | "revoke"; readonly key: Key };

export function Keys() {
  const loader = useLoaded((signal) => api().keys.list({ limit: 100 }, { signal }), []);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [made, setMade] = useState<NewKey | null>(null);
  const close = (): void => setAsked(null);
  const show = (key: NewKey): void => {
    close();
    setMade(key);
    void loader.reload();
  };
  const sure = async (what: "rotate" | "revoke", key: Key): Promise<void> => {
    const [input] = [{ keyId: key.id }];
    if (what === "rotate") {
      await attempt("Not rotated", async () => show(await api().keys.rotate(input)));
    } else if (await attempt("Not revoked", () => api().keys.delete(input))) {
      close();
      await loader.reload();
    }
  };
  return (
    <div class="stack">
      <div class="row">
        <p class="muted">A key opens the account, or as much of it as its scopes say. Its text is shown once.</p>
        <span class="spacer" />
        <button type="button" class="primary" onClick={() => setAsked({ what: "create" })}>
          New key
        </button>
      </div>
      <Show of={loader} what="keys">
        {({ keys }) =>
          keys.length === 0 ? (
            <Empty title="No key" />
          ) : (
            <ul class="cards">
              {keys.map((key) => (
                <KeyCard key={key.id} of={key} ask={(what) => setAsked({ what, key })} />
              ))}
            </ul>
          )
        }
      </Show>
      {asked?.what === "create" && <CreateDialog onClose={close} onMade={show} />}
      {asked !== null && asked.what !== "create" && (
        <Dialog title={asked.what === "rotate" ? "Rotate this key?" : "Revoke this key?"} onClose={close}>
          <p>
            <strong>{asked.key.name ?? asked.key.id}</strong>{" "}
            {asked.what === "rotate"
              ? "gets a new text. What uses the old one is refused from then on."
              : "is refused from the next request on, here as well if it is the one you signed in with."}
          </p>
          <div class="form">
            <footer>
              <button type="button" onClick={close}>
                Cancel
              </button>
              <button
                type="button"
                class="danger"
                onClick={() => void sure(asked.what === "rotate" ? "rotate" : "revoke", asked.key)}
              >
                {asked.what === "rotate" ? "Rotate" : "Revoke"}
              </button>
            </footer>
          </div>
        </Dialog>
      )}
      {made !== null && (
        <Dialog title="The new key" onClose={() => setMade(null)}>
          <p>Copy it now: only its digest is kept, so it cannot be shown again.</p>
          <p class="row">
            <code class="secret">{made.key}</code>
            <CopyButton text={made.key} label="the key" />
          </p>
        </Dialog>
      )}
    </div>
  );
}

function KeyCard({ of: key, ask }: { readonly of: Key; readonly ask: (what: "rotate" | "revoke") => void }) {
  const name = key.name ?? key.id;
  return (
    <li class="card">
      <div class="row">
        <strong>{name}</strong>
        <code>{key.id}</code>
        <span class="spacer" />
        <button type="button" aria-label={`Rotate ${name}`} onClick={() => ask("rotate")}>
          Rotate
        </button>
        <button type="button" class="danger" aria-label={`Revoke ${name}`} onClick={() => ask("revoke")}>
          Revoke
        </button>
      </div>
      <p class="muted">
        {key.scopes.length === SCOPES.length ? "all scopes" : key.scopes.join(", ")}
        {key.sessionId !== null && ` · only ${key.sessionId}`}
      </p>
      <p class="muted">
        made <Ago at={key.createdAt} /> · {key.lastUsedAt === null ? "never used" : "used "}
        {key.lastUsedAt !== null && <Ago at={key.lastUsedAt} />}
        {key.expiresAt !== null && (
          <>
            {" · expires in "}
            <TimeLeft until={key.expiresAt} done="expired" />
          </>
        )}
      </p>
    </li>
  );
}

function readForm(form: FormData): CreateKey {
  const text = (name: string): string => {
    const value = form.get(name);
    return typeof value === "string" ? value.trim() : "";
  };
  return {
    scopes: SCOPES.filter((scope) => form.getAll("scope").includes(scope)),
    ...(text("name") === "" ? {} : { name: text("name") }),
    ...(text("session") === "" ? {} : { sessionId: text("session") }),
    ...(text("expiresIn") === "" ? {} : { expiresIn: text("expiresIn") }),
  };
}

interface CreateDialogProps {
  readonly onClose: () => void;
  readonly onMade: (key: NewKey) => void;
}

function CreateDialog({ onClose, onMade }: CreateDialogProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const create = async (form: FormData): Promise<void> => {
    try {
      onMade(await api().keys.create(readForm(form)));
    } catch (error) {
      setProblem(asBuntimeError(error).message);
    }
  };
  return (
    <Dialog title="New key" onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void create(new FormData(event.currentTarget));
        }}
      >
        <label>
          Name
          <input name="name" maxLength={100} autofocus />
        </label>
        <fieldset>
          <legend>Scopes</legend>
          {SCOPES.map((scope) => (
            <label key={scope} class="inline">
              <input type="checkbox" name="scope" value={scope} defaultChecked={scope !== "admin"} /> {scope}
            </label>
          ))}
        </fieldset>
        <label>
          Only this session <small>optional; id or name</small>
          <input name="session" />
        </label>
        <label>
          Expires in <small>optional; such as 12h or 30d</small>
          <input name="expiresIn" placeholder="30d" />
        </label>
        {problem !== null && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Create
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
