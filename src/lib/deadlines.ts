// A Durable Object has one alarm; what it has to do has named deadlines. The alarm is the earliest of them. Pure.

/** Milliseconds since the epoch, by what is due then. */
export type Deadlines<Name extends string> = Readonly<Partial<Record<Name, number>>>;

/** The time to set the alarm to, or `null` for none. */
export function earliest(deadlines: Deadlines<string>): number | null {
  const times = Object.values(deadlines).filter((time) => time !== undefined);
  return times.length === 0 ? null : Math.min(...times);
}
