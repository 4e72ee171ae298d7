// The account's keys: made, rotated, revoked.
import { useState } from "preact/hooks";
import { SCOPES } from "../../../contract/scopes.ts";
import type { CreateKey, Key, NewKey } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";
import { now } from "../../state/clock.ts";
import { attempt } from "../../state/notices.ts";
import { useLoaded } from "../../state/use-loaded.ts";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { CopyButton } from "../../parts/copy-button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { FormDialog, textIn } from "../../parts/form-dialog.tsx";
import { Empty } from "../../parts/problem.tsx";
import { Show } from "../../parts/show.tsx";
import { Ago, TimeLeft } from "../../parts/time-left.tsx";

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
    const input = { keyId: key.id };
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
        <ConfirmDialog
          title={asked.what === "rotate" ? "Rotate this key?" : "Revoke this key?"}
          button={asked.what === "rotate" ? "Rotate" : "Revoke"}
          onClose={close}
          run={() => void sure(asked.what === "rotate" ? "rotate" : "revoke", asked.key)}
        >
          <strong>{asked.key.name ?? asked.key.id}</strong>{" "}
          {asked.what === "rotate"
            ? "gets a new text. What uses the old one is refused from then on."
            : "is refused from the next request on, here as well if it is the one you signed in with."}
        </ConfirmDialog>
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
        <span class="actions">
          <button type="button" aria-label={`Rotate ${name}`} onClick={() => ask("rotate")}>
            Rotate
          </button>
          <button type="button" class="danger" aria-label={`Revoke ${name}`} onClick={() => ask("revoke")}>
            Revoke
          </button>
        </span>
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
            {Date.parse(key.expiresAt) > now.value ? " · expires in " : " · "}
            <TimeLeft until={key.expiresAt} done="expired" />
          </>
        )}
      </p>
    </li>
  );
}

function readForm(form: FormData): CreateKey {
  const [name, session, expiresIn] = ["name", "session", "expiresIn"].map((field) => textIn(form, field));
  return {
    scopes: SCOPES.filter((scope) => form.getAll("scope").includes(scope)),
    ...(name ? { name } : {}),
    ...(session ? { sessionId: session } : {}),
    ...(expiresIn ? { expiresIn } : {}),
  };
}

interface CreateDialogProps {
  readonly onClose: () => void;
  readonly onMade: (key: NewKey) => void;
}

function CreateDialog({ onClose, onMade }: CreateDialogProps) {
  const create = async (form: FormData): Promise<void> => onMade(await api().keys.create(readForm(form)));
  return (
    <FormDialog title="New key" button="Create" onClose={onClose} submit={create}>
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
    </FormDialog>
  );
}
