// Times that go by.
import { now } from "../state/clock.ts";
import { formatAge, formatSpan, formatTime } from "./format.ts";

/** Counts down to a time; `done` is shown from then on. */
export function TimeLeft({ until, done = "now" }: { readonly until: string; readonly done?: string }) {
  const left = Date.parse(until) - now.value;
  return (
    <time dateTime={until} title={formatTime(until)}>
      {left > 0 ? formatSpan(left) : done}
    </time>
  );
}

/** How long ago something was. */
export function Ago({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={formatTime(at)}>
      {formatAge(at, now.value)}
    </time>
  );
}
