// Stacked bars over days, drawn as SVG, with a table of the same numbers for those who cannot see them.

interface Series {
  readonly name: string;
  /** A class that gives the colour. */
  readonly tone: string;
}

export interface Bar {
  readonly label: string;
  /** One number for each series. */
  readonly values: readonly number[];
}

interface BarChartProps {
  readonly title: string;
  readonly series: readonly Series[];
  readonly bars: readonly Bar[];
  readonly format: (value: number) => string;
}

const HEIGHT = 120;
const STEP = 20;
const WIDTH = 14;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export function BarChart({ title, series, bars, format }: BarChartProps) {
  const most = Math.max(...bars.map(({ values }) => sum(values)), 0);
  const totals = series.map((_, index) => sum(bars.map(({ values }) => values[index] ?? 0)));
  return (
    <figure class="chart">
      <figcaption>
        <h2>{title}</h2>
        <span class="legend">
          {series.map(({ name, tone }, index) => (
            <span key={name} class={tone}>
              <span class="swatch" aria-hidden="true" /> {name} {format(totals[index] ?? 0)}
            </span>
          ))}
        </span>
      </figcaption>
      <svg viewBox={`0 0 ${bars.length * STEP} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {most > 0 &&
          bars.map(({ label, values }, column) => (
            <g key={label}>
              <title>{`${label}: ${series.map(({ name }, index) => `${name} ${format(values[index] ?? 0)}`).join(", ")}`}</title>
              {values.map((value, index) => {
                const height = (value / most) * HEIGHT;
                const below = (sum(values.slice(0, index)) / most) * HEIGHT;
                const { name = "", tone = "" } = series[index] ?? {};
                return (
                  <rect
                    key={name}
                    class={tone}
                    x={column * STEP + (STEP - WIDTH) / 2}
                    y={HEIGHT - below - height}
                    width={WIDTH}
                    height={height}
                  />
                );
              })}
            </g>
          ))}
      </svg>
      <div class="chart-ends muted" aria-hidden="true">
        <span>{bars[0]?.label}</span>
        <span>{most === 0 ? "nothing in this time" : `highest: ${format(most)}`}</span>
        <span>{bars.at(-1)?.label}</span>
      </div>
      <table class="visually-hidden">
        <caption>{title}</caption>
        <thead>
          <tr>
            <th scope="col">day</th>
            {series.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {bars.map(({ label, values }) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              {values.map((value, index) => (
                <td key={series[index]?.name}>{format(value)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
