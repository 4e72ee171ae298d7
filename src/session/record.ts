// What a session is, as it is stored in its object and in its account's index, and as a client sees it.
import { previewLabel } from "../contract/ids.ts";
import type { ResourceLimits, Session } from "../contract/session.ts";
import { publicOrigin } from "../env.ts";

export interface SessionRecord {
  readonly id: string;
  readonly accountId: string;
  readonly name: string | null;
  readonly image: string;
  /** Milliseconds since the epoch, as every stored time. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly resourceLimits: ResourceLimits;
  readonly metadata: Session["metadata"];
  /** Made for one execution: in no list, and removed when that has answered. */
  readonly oneShot: boolean;
}

/** A record as `GET /sessions/{id}` and the list show it. */
export function sessionView(record: SessionRecord, domain: string): Session {
  return {
    id: record.id,
    sessionId: record.id,
    name: record.name,
    state: "active",
    createdAt: new Date(record.createdAt).toISOString(),
    expiresAt: new Date(record.expiresAt).toISOString(),
    previewUrl: publicOrigin(previewLabel(record.id), domain),
    image: record.image,
    resourceLimits: record.resourceLimits,
    metadata: record.metadata,
  };
}
