// The dialog that creates a session.
import type { CreateSession } from "../../../sdk/index.ts";
import { FormDialog, textIn } from "../../parts/form-dialog.tsx";
import { api } from "../../state/access.ts";
import { go } from "../../state/place.ts";
import { putSession } from "../../state/session-list.ts";

const HOUR_S = 3600;
const LIFETIMES = [
  [HOUR_S, "1 hour"],
  [24 * HOUR_S, "1 day"],
  [7 * 24 * HOUR_S, "7 days"],
] as const;

/** `key=value` lines as metadata. */
function readMetadata(text: string): Record<string, string> {
  const lines = text.split("\n").map((line) => line.trim());
  const pairs = lines.filter(Boolean).map((line) => {
    const at = line.indexOf("=");
    return at === -1 ? [line, ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  });
  return Object.fromEntries(pairs);
}

function readForm(form: FormData): CreateSession {
  const text = (name: string): string => textIn(form, name);
  return {
    ttl: Number(text("ttl")),
    preview: text("preview") === "private" ? "private" : "public",
    internet: text("internet") !== "no",
    metadata: readMetadata(text("metadata")),
    ...(text("name") === "" ? {} : { name: text("name") }),
    ...(text("memory") === "" ? {} : { resourceLimits: { memory: Number(text("memory")) } }),
    ...(text("idleAfter") === "" ? {} : { idleAfter: text("idleAfter") }),
    ...(text("deepSleepAfter") === "" ? {} : { deepSleepAfter: text("deepSleepAfter") }),
  };
}

export function NewSession({ onClose }: { readonly onClose: () => void }) {
  const create = async (form: FormData): Promise<void> => {
    const created = await api().sessions.create(readForm(form));
    putSession(created);
    onClose();
    go({ page: "session", session: created.name ?? created.id, tab: "run" });
  };
  return (
    <FormDialog title="New session" button="Create" onClose={onClose} submit={create}>
      <label>
        Name <small>optional, unique</small>
        <input name="name" pattern="[a-zA-Z0-9_\-]{1,64}" title="1 to 64 of a-z A-Z 0-9 _ -" autofocus />
      </label>
      <label>
        Time to live
        <select name="ttl">
          {LIFETIMES.map(([seconds, label]) => (
            <option key={seconds} value={seconds} selected={seconds === 24 * HOUR_S}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label>
        Preview
        <select name="preview">
          <option value="public">public: whoever knows the address</option>
          <option value="private">private: with a token</option>
        </select>
      </label>
      <label>
        Internet
        <select name="internet">
          <option value="yes">yes: it may reach the network</option>
          <option value="no">no: it reaches nothing but itself</option>
        </select>
      </label>
      <label>
        Metadata <small>key=value, a line each</small>
        <textarea name="metadata" rows={3} spellcheck={false} />
      </label>
      <details>
        <summary>More</summary>
        <label>
          Memory <small>MB, as far as the plan allows</small>
          <input name="memory" type="number" min={128} step={1} placeholder="1024" />
        </label>
        <label>
          Idle after <small>such as 5m</small>
          <input name="idleAfter" placeholder="5m" />
        </label>
        <label>
          Deep sleep after <small>such as 30m</small>
          <input name="deepSleepAfter" placeholder="30m" />
        </label>
      </details>
    </FormDialog>
  );
}
