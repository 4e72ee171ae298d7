// The figures as a table for people, as JSON for machines and as markdown for docs/performance.md.
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { median } from "./statistics.ts";

export interface Figure {
  readonly name: string;
  /** As issue and docs word it. */
  readonly aim: string;
  readonly value: number;
  readonly unit: string;
  /** What the same machine does in the same run with nothing of ours in between. */
  readonly floor?: { readonly name: string; readonly value: number };
  readonly met: boolean;
  readonly note?: string;
}

export interface Report {
  readonly platform: "embedded" | "docker";
  readonly at: string;
  readonly machine: string;
  readonly figures: readonly Figure[];
}

/**
 * What the figures were measured on. The time that a new file takes is part of it: ext4 is ten times slower at that for
 * some minutes after many files were deleted, and every execution and upload makes files.
 */
export function describeMachine(directory: string): string {
  const model = cpus()[0]?.model.trim() ?? "unknown CPU";
  const samples = Array.from({ length: 200 }, (_, index) => {
    const startedAt = performance.now();
    closeSync(openSync(`${directory}/new-file-${index}`, "wx"));
    return performance.now() - startedAt;
  });
  const newFile = `${median(samples).toFixed(2)} ms for a new file`;
  return `${cpus().length} × ${model}, Linux, node ${process.versions.node}, ${newFile}`;
}

const digits = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

function cells(figure: Figure): readonly string[] {
  const { name, aim, value, unit, floor, met, note } = figure;
  return [
    name,
    `${digits(value)} ${unit}`,
    floor === undefined ? "" : `${digits(floor.value)} ${unit} (${floor.name})`,
    floor === undefined ? "" : `${digits(value / floor.value)} ×`,
    aim,
    met ? "yes" : "no",
    note ?? "",
  ];
}

const HEAD = ["figure", "measured", "floor in the same run", "ratio", "aim", "met", "note"];

export function table(report: Report): string {
  const rows = [HEAD, ...report.figures.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function markdown(report: Report): string {
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  return [
    `### ${report.platform}, ${report.at.slice(0, 10)}`,
    "",
    report.machine,
    "",
    line(HEAD),
    line(HEAD.map(() => "---")),
    ...report.figures.map((figure) => line(cells(figure))),
    "",
  ].join("\n");
}

/** Writes `<platform>.json` and `<platform>.md` to bench-results/ and returns where. */
export function save(report: Report, directory: string): string {
  mkdirSync(directory, { recursive: true });
  const base = `${directory}/${report.platform}`;
  writeFileSync(`${base}.json`, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(`${base}.md`, markdown(report));
  return base;
}
