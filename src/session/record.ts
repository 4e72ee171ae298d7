// What a session is, as it is stored in its object and in its account's index, and as a client sees it.
import { formatDuration, parseDuration } from "../contract/duration.ts";
import { previewLabel } from "../contract/ids.ts";
import type { ImageName } from "../contract/language.ts";
import type { ResourceLimits, Service, Session, UpdateSession } from "../contract/session.ts";
import type { Budget } from "../contract/usage.ts";
import { publicOrigin, sleepSettings } from "../env.ts";
import type { Env, SleepSettings } from "../env.ts";
import type { Timing } from "./state.ts";

export interface SessionRecord {
  readonly id: string;
  readonly accountId: string;
  readonly name: string | null;
  readonly image: ImageName;
  /** Milliseconds since the epoch, as every stored time. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly resourceLimits: ResourceLimits;
  readonly metadata: Session["metadata"];
  /** Absent: none. */
  readonly tags?: readonly string[];
  readonly description?: string;
  /** Made for one execution: in no list, and removed when that has answered. */
  readonly oneShot: boolean;
  /** Where its snapshots are: its own id, or for a fork its original's. */
  readonly repositoryId: string;
  /** Null: the operator's. */
  readonly idleAfterMs: number | null;
  readonly deepSleepAfterMs: number | null;
  readonly services: readonly Service[];
  /** Absent: public. */
  readonly preview?: Session["preview"];
  /** Absent: it may reach the network. */
  readonly internet?: boolean;
  /** Absent: none. */
  readonly budget?: Budget | null;
  /** What a fork began with. */
  readonly forkOf?: { readonly sessionId: string; readonly snapshotId: string };
}

/** A record with what a client changes of it. */
export function recordAfter(before: SessionRecord, changes: UpdateSession, now: number): SessionRecord {
  const { name, metadata, tags, description, ttl, idleAfter, deepSleepAfter, services, preview, internet, budget } =
    changes;
  return {
    ...before,
    name: name === undefined ? before.name : name,
    metadata: metadata ?? before.metadata,
    tags: tags ?? before.tags ?? [],
    description: description ?? before.description ?? "",
    expiresAt: ttl === undefined ? before.expiresAt : now + ttl * 1000,
    idleAfterMs: idleAfter === undefined ? before.idleAfterMs : parseDuration(idleAfter),
    deepSleepAfterMs: deepSleepAfter === undefined ? before.deepSleepAfterMs : parseDuration(deepSleepAfter),
    services: services ?? before.services,
    preview: preview ?? before.preview ?? "public",
    internet: internet ?? hasInternet(before),
    budget: budget === undefined ? (before.budget ?? null) : budget,
  };
}

/** Whether its code may reach the network. */
export function hasInternet({ internet = true }: SessionRecord): boolean {
  return internet;
}

/** The times of a session: its own, or the operator's. */
export function timingOf(record: SessionRecord, settings: SleepSettings): Timing {
  const idleAfterMs = record.idleAfterMs ?? settings.idleAfterMs;
  return {
    idleAfterMs,
    deepSleepAfterMs: Math.max(idleAfterMs, record.deepSleepAfterMs ?? settings.deepSleepAfterMs),
    saveAfterMs: settings.saveAfterMs,
  };
}

/** A record as `GET /sessions/{id}` and the list show it. */
export function sessionView(record: SessionRecord, state: Session["state"], env: Env): Session {
  const timing = timingOf(record, sleepSettings(env));
  return {
    id: record.id,
    sessionId: record.id,
    name: record.name,
    state,
    createdAt: new Date(record.createdAt).toISOString(),
    expiresAt: new Date(record.expiresAt).toISOString(),
    previewUrl: publicOrigin(previewLabel(record.id), env.DOMAIN),
    preview: record.preview ?? "public",
    image: record.image,
    internet: hasInternet(record),
    resourceLimits: record.resourceLimits,
    metadata: record.metadata,
    tags: [...(record.tags ?? [])],
    description: record.description ?? "",
    idleAfter: formatDuration(timing.idleAfterMs),
    deepSleepAfter: formatDuration(timing.deepSleepAfterMs),
    services: [...record.services],
    budget: record.budget ?? null,
  };
}
