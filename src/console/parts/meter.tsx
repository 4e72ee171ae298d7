// How much of a limit is used.
interface MeterProps {
  readonly name: string;
  readonly value: number;
  readonly most: number;
  readonly format: (value: number) => string;
}

/** From here on it is close to its limit. */
const CLOSE = 0.8;

/** How much of something limited is used, and whether that is close to the limit. */
export function Meter({ name, value, most, format }: MeterProps) {
  const share = most === 0 ? 1 : value / most;
  return (
    <div class={`meter ${share >= 1 ? "full" : share >= CLOSE ? "close" : ""}`}>
      <span id={`meter-${name}`}>{name}</span>
      <progress value={Math.min(value, most)} max={most} aria-labelledby={`meter-${name}`} />
      <span>
        {format(value)} of {format(most)}
        {share >= 1 ? " · used up" : share >= CLOSE ? " · close to the limit" : ""}
      </span>
    </div>
  );
}
