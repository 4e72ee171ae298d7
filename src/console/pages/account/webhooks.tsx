// The account's webhooks and what was delivered to them.
import { useState } from "preact/hooks";
import { EVENT_TYPES } from "../../../contract/event-types.ts";
import type { Delivery, NewWebhook, Webhook } from "../../../sdk/index.ts";
import { api } from "../../state/access.ts";
import { attempt, notify } from "../../state/notices.ts";
import { useLoaded } from "../../state/use-loaded.ts";
import { CopyButton } from "../../parts/copy-button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { FormDialog, textIn } from "../../parts/form-dialog.tsx";
import { formatDuration } from "../../parts/format.ts";
import { Empty } from "../../parts/problem.tsx";
import { Show } from "../../parts/show.tsx";
import { Ago } from "../../parts/time-left.tsx";

const REFRESH_MS = 15_000;

export function Webhooks() {
  const loader = useLoaded((signal) => api().webhooks.list({}, { signal }), []);
  const [isCreating, setCreating] = useState(false);
  const [made, setMade] = useState<NewWebhook | null>(null);
  const remove = async (webhook: Webhook): Promise<void> => {
    if (await attempt("Not deleted", () => api().webhooks.delete({ webhookId: webhook.id }))) await loader.reload();
  };
  return (
    <div class="stack">
      <div class="row">
        <p class="muted">Events of the account, sent to a server of yours and signed as Standard Webhooks says.</p>
        <span class="spacer" />
        <button type="button" class="primary" onClick={() => setCreating(true)}>
          New webhook
        </button>
      </div>
      <Show of={loader} what="webhooks">
        {({ webhooks }) =>
          webhooks.length === 0 ? (
            <Empty title="No webhook">
              <p>With one, your server hears of sessions that sleep, wake, end, or lose their container.</p>
            </Empty>
          ) : (
            <ul class="cards">
              {webhooks.map((webhook) => (
                <WebhookCard key={webhook.id} of={webhook} onDelete={() => void remove(webhook)} />
              ))}
            </ul>
          )
        }
      </Show>
      {isCreating && (
        <CreateDialog
          onClose={() => setCreating(false)}
          onMade={(webhook) => {
            setCreating(false);
            setMade(webhook);
            void loader.reload();
          }}
        />
      )}
      {made !== null && (
        <Dialog title="The new webhook's secret" onClose={() => setMade(null)}>
          <p>Verify deliveries with it. It is shown this once.</p>
          <p class="row">
            <code class="secret">{made.secret}</code>
            <CopyButton text={made.secret} label="the secret" />
          </p>
        </Dialog>
      )}
    </div>
  );
}

function WebhookCard({ of: webhook, onDelete }: { readonly of: Webhook; readonly onDelete: () => void }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li class="card">
      <div class="row">
        <strong class="wrap">{webhook.url}</strong>
        <span class="spacer" />
        <button type="button" class="danger" aria-label={`Delete ${webhook.url}`} onClick={onDelete}>
          Delete
        </button>
      </div>
      <p class="muted">
        {webhook.types === null ? "all events" : webhook.types.join(", ")} · made <Ago at={webhook.createdAt} />
      </p>
      {!webhook.enabled && (
        <p class="problem">Disabled: {webhook.disabledReason}. A replay that succeeds enables it.</p>
      )}
      {webhook.enabled && webhook.failingSince !== null && (
        <p class="problem">
          Failing since <Ago at={webhook.failingSince} />
        </p>
      )}
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>Deliveries</summary>
        {isOpen && <Deliveries webhookId={webhook.id} />}
      </details>
    </li>
  );
}

function Deliveries({ webhookId }: { readonly webhookId: string }) {
  const loader = useLoaded((signal) => api().webhooks.deliveries({ webhookId, limit: 50 }, { signal }), [webhookId], {
    everyMs: REFRESH_MS,
  });
  const replay = async (deliveryId: string): Promise<void> => {
    await attempt("Not sent again", async () => {
      await api().webhooks.replay({ webhookId, deliveryId });
      notify({ kind: "done", text: "It is sent again" });
      await loader.reload();
    });
  };
  return (
    <Show of={loader} what="deliveries">
      {({ deliveries }) =>
        deliveries.length === 0 ? (
          <Empty title="Nothing was sent yet" />
        ) : (
          <div class="scroll" tabIndex={0}>
            <table class="data">
              <thead>
                <tr>
                  <th scope="col">event</th>
                  <th scope="col">status</th>
                  <th scope="col">answer</th>
                  <th scope="col">tries</th>
                  <th scope="col">when</th>
                  <th scope="col">
                    <span class="visually-hidden">again</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {deliveries.map((delivery) => (
                  <DeliveryRow key={delivery.id} of={delivery} replay={() => void replay(delivery.id)} />
                ))}
              </tbody>
            </table>
          </div>
        )
      }
    </Show>
  );
}

function DeliveryRow({ of: delivery, replay }: { readonly of: Delivery; readonly replay: () => void }) {
  const { responseStatus, durationMs, error } = delivery;
  return (
    <tr>
      <td>{delivery.type}</td>
      <td class={`delivery-${delivery.status}`}>{delivery.status}</td>
      <td>
        {responseStatus ?? error ?? "–"}
        {durationMs !== null && <small> {formatDuration(durationMs)}</small>}
      </td>
      <td>{delivery.attempts}</td>
      <td>
        <Ago at={delivery.lastAttemptAt ?? delivery.createdAt} />
      </td>
      <td>
        <button type="button" aria-label={`Send ${delivery.type} again`} onClick={replay}>
          Replay
        </button>
      </td>
    </tr>
  );
}

interface CreateDialogProps {
  readonly onClose: () => void;
  readonly onMade: (webhook: NewWebhook) => void;
}

function CreateDialog({ onClose, onMade }: CreateDialogProps) {
  const create = async (form: FormData): Promise<void> => {
    const types = EVENT_TYPES.filter((type) => form.getAll("type").includes(type));
    onMade(await api().webhooks.create({ url: textIn(form, "url"), ...(types.length === 0 ? {} : { types }) }));
  };
  return (
    <FormDialog title="New webhook" button="Create" onClose={onClose} submit={create}>
      <label>
        URL
        <input name="url" type="url" required placeholder="https://example.com/hooks/buntime" autofocus />
      </label>
      <fieldset>
        <legend>
          Events <small>none chosen: all</small>
        </legend>
        {EVENT_TYPES.map((type) => (
          <label key={type} class="inline">
            <input type="checkbox" name="type" value={type} /> {type}
          </label>
        ))}
      </fieldset>
    </FormDialog>
  );
}
