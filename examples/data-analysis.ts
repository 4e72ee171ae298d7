// A data analysis: a CSV goes in, a table and a chart come out. The program runs in a session of its own, where it can do
// no harm and may take its time; it would be the same if a model had written it.
//   node examples/data-analysis.ts [chart.svg]        (BUNTIME_BASE_URL and BUNTIME_API_KEY say which platform)
import { writeFile } from "node:fs/promises";
import { Buntime } from "buntime";

const SALES = `month,region,amount
2026-01,north,1200
2026-01,south,800
2026-02,north,1500
2026-02,south,950
2026-03,north,900
2026-03,south,1700
`;

const ANALYSIS = `
const [, ...lines] = (await Bun.file("sales.csv").text()).trim().split("\\n");
const rows = lines.map((line) => line.split(",")).map(([month, region, amount]) => ({ month, region, amount: Number(amount) }));

const months = Map.groupBy(rows, ({ month }) => month);
const table = [...months].map(([month, sales]) => {
  const total = sales.reduce((sum, { amount }) => sum + amount, 0);
  const best = sales.toSorted((one, other) => other.amount - one.amount)[0];
  return { month, total, best: best.region };
});
await Bun.write("table.json", JSON.stringify(table));

const most = Math.max(...table.map(({ total }) => total));
const bars = table.map(({ month, total }, index) => {
  const height = Math.round((160 * total) / most);
  const x = 20 + index * 90;
  return \`<rect x="\${x}" y="\${180 - height}" width="70" height="\${height}" fill="#3867d6"/>
  <text x="\${x + 35}" y="195" text-anchor="middle" font-size="11">\${month}</text>\`;
});
await Bun.write("chart.svg", \`<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200">
  \${bars.join("\\n  ")}
</svg>\`);
`;

interface Month {
  readonly month: string;
  readonly total: number;
  readonly best: string;
}

const client = new Buntime();
await using session = await client.sessions.create({ ttl: 600 });

const { exitCode, stderr, filesWritten } = await session.execute({
  code: ANALYSIS,
  files: [{ path: "sales.csv", content: SALES }],
});
if (exitCode !== 0) throw new Error(`the analysis failed:\n${stderr}`);
console.log("written:", filesWritten.toSorted().join(", "));

const table = JSON.parse(await session.files.read({ path: "table.json", as: "text" })) as Month[];
console.table(table);

const chart = process.argv[2] ?? "chart.svg";
await writeFile(chart, await session.files.read({ path: "chart.svg", as: "bytes" }));
console.log("chart:", chart);
