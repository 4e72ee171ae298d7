// Which sessions a search means. Pure.
import type { Session, SessionState } from "../../sdk/index.ts";

export interface SessionFilter {
  /** Words; each must be found. `key:value` and `key=value` look at metadata, other words at the rest. */
  readonly text: string;
  readonly state: SessionState | "all";
}

export function matches(session: Session, { text, state }: SessionFilter): boolean {
  if (state !== "all" && session.state !== state) return false;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const pairs = Object.entries(session.metadata).map(
    ([key, value]) =>
      [key.toLowerCase(), (typeof value === "string" ? value : JSON.stringify(value)).toLowerCase()] as const,
  );
  const own = [session.id, session.name ?? "", session.description, ...session.tags].map((each) => each.toLowerCase());
  const texts = [...own, ...pairs.map(([, value]) => value)];
  return words.every((word) => {
    const [, key, wanted] = /^([^:=]+)[:=](.*)$/.exec(word) ?? [];
    const isPair = key !== undefined && pairs.some(([name, value]) => name === key && value.includes(wanted ?? ""));
    return isPair || texts.some((each) => each.includes(word));
  });
}
