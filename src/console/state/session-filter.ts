// Which sessions a search means. Pure.
import type { Session, SessionState } from "../../sdk/index.ts";

export interface SessionFilter {
  /** Words; each must be found. `key:value` and `key=value` look at metadata, other words at name, id and metadata. */
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
  const texts = [session.id, session.name?.toLowerCase() ?? "", ...pairs.map(([, value]) => value)];
  return words.every((word) => {
    const [, key, wanted] = /^([^:=]+)[:=](.*)$/.exec(word) ?? [];
    const isPair = key !== undefined && pairs.some(([name, value]) => name === key && value.includes(wanted ?? ""));
    return isPair || texts.some((each) => each.includes(word));
  });
}
