// Values of options, checked where they are read. Each throws what commander shows with the option's name.
import { InvalidArgumentError } from "commander";
import { parseDuration } from "../contract/duration.ts";

/** `90s`, `5m`, `2h`, or a number of seconds; in seconds. */
export function seconds(text: string): number {
  const ms = /^\d{1,9}(\.\d{1,3})?$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (ms === null || ms <= 0) throw new InvalidArgumentError("It is not a time such as 30s, 5m or 2h.");
  return ms / 1000;
}

export function duration(text: string): string {
  if (parseDuration(text) === null) throw new InvalidArgumentError("It is not a time such as 30s, 5m or 2h.");
  return text;
}

export function integer(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It is not a whole number.");
  return Number(text);
}

export function decimal(text: string): number {
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(text)) throw new InvalidArgumentError("It is not a number.");
  return Number(text);
}

export function port(text: string): number {
  const value = integer(text);
  if (value < 1 || value > 65_535) throw new InvalidArgumentError("It is not a port, 1 to 65535.");
  return value;
}

/** For an option that is given as often as one likes, each time `name=value`. */
export function pair(text: string, earlier: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It looks like NAME=value.");
  return { ...earlier, [text.slice(0, at)]: text.slice(at + 1) };
}

/** For an option that is given as often as one likes. */
export const collect = (text: string, earlier: readonly string[] = []): string[] => [...earlier, text];
