// Numbers and times as people read them. Pure.

const BYTES = ["B", "KB", "MB", "GB", "TB"] as const;

/** `1.4 MB`, by powers of 1024. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < BYTES.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${BYTES[unit]}`;
}

const SPANS = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
  ["s", 1],
] as const;

/** `2h 5m`: the two largest units. */
export function span(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [unit, size] of SPANS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 || parts.length > 0) parts.push(`${count}${unit}`);
  }
  return (
    parts
      .slice(0, 2)
      .filter((part) => !part.startsWith("0"))
      .join(" ") || "0s"
  );
}

/** `5m ago`, or `in 2h`. An ISO time. */
export function relative(time: string | null | undefined, now: number): string {
  if (time === null || time === undefined) return "-";
  const seconds = (Date.parse(time) - now) / 1000;
  if (Number.isNaN(seconds)) return time;
  const [largest = "0s"] = span(Math.abs(seconds)).split(" ");
  return seconds <= 0 ? `${largest} ago` : `in ${largest}`;
}
