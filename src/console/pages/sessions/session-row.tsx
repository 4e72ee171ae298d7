// A session in the list.
import { useEffect } from "preact/hooks";
import type { Session, SessionInfo } from "../../../sdk/index.ts";
import { wantDetails } from "../../state/session-details.ts";
import { histories } from "../../state/session-list.ts";
import { pathOf } from "../../state/route.ts";
import { formatBytes } from "../../parts/format.ts";
import { StateBadge } from "../../parts/state-badge.tsx";
import { Ago, TimeLeft } from "../../parts/time-left.tsx";

interface SessionRowProps {
  readonly session: Session;
  /** null: not known yet. */
  readonly info: SessionInfo | null;
  readonly isSelected: boolean;
  readonly onDelete: () => void;
}

/** A row that is only scrolled past is not asked for. */
const SETTLED_MS = 150;
const MB = 1024 * 1024;

export function SessionRow({ session, info, isSelected, onDelete }: SessionRowProps) {
  const event = histories.value.get(session.id)?.at(-1);
  useEffect(() => {
    const timer = setTimeout(() => wantDetails(session.id), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [session.id, event?.id]);
  const title = session.name ?? session.id;
  const metadata = Object.entries(session.metadata).slice(0, 3);
  return (
    <div class={`session-row ${isSelected ? "selected" : ""}`} aria-current={isSelected ? "true" : undefined}>
      <span class="session-title">
        <a href={pathOf({ page: "session", session: title, tab: "overview" })}>{title}</a>
        <small>
          {session.name !== null && <code>{session.id}</code>}
          {session.tags.slice(0, 3).map((tag) => (
            <span key={tag} class="tag">
              {tag}
            </span>
          ))}
          {metadata.map(([key, value]) => (
            <span key={key} class="tag">
              {key}: {typeof value === "string" ? value : JSON.stringify(value)}
            </span>
          ))}
        </small>
      </span>
      <span>
        <StateBadge state={session.state} />
      </span>
      <span class="age">
        <Ago at={session.createdAt} />
      </span>
      <span class="left">
        <TimeLeft until={session.expiresAt} done="expired" />
      </span>
      <span class="memory">{formatBytes(session.resourceLimits.memory * MB)}</span>
      <span class="disk">
        {typeof info?.diskUsed === "number" ? formatBytes(info.diskUsed) : "–"}
        <small> of {formatBytes(session.resourceLimits.disk * MB)}</small>
      </span>
      <span class="preview">
        <a href={session.previewUrl} target="_blank" rel="noreferrer">
          {session.preview === "private" ? "private ↗" : "open ↗"}
        </a>
      </span>
      <span>
        <button type="button" class="quiet" aria-label={`Delete ${title}`} title="Delete" onClick={onDelete}>
          ✕
        </button>
      </span>
    </div>
  );
}
