// A Durable Object has one alarm; a session has named deadlines. The alarm is the earliest of them. Pure.

/** Milliseconds since the epoch, by what is due then. */
export type Deadlines = Readonly<Partial<Record<"expiry" | "keep" | "retry", number>>>;

/** The time to set the alarm to, or `null` for none. */
export function earliest(deadlines: Deadlines): number | null {
  const times = Object.values(deadlines);
  return times.length === 0 ? null : Math.min(...times);
}
