// Rows of a report by time become columns for a chart.

import type { Row } from "../api/types";

export interface Series {
  /** Begins of the steps, Unix seconds. */
  times: number[];
  /** One column for each name, as long as `times`; null where nothing happened. */
  columns: Map<string, (number | null)[]>;
}

export type Step = "minute" | "hour" | "day";
const STEP_MS: Record<Step, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Begin of the step that `moment` lies in. Steps are UTC. */
export function floorTo(step: Step, moment: number): number {
  return Math.floor(moment / STEP_MS[step]) * STEP_MS[step];
}

/**
 * Columns by the value of `by`, or one column named after the metric. `empty` stands where a step has no row: 0 for counts,
 * null for what cannot be said without requests, such as latencies.
 */
export function seriesOf(
  rows: Row[],
  step: Step,
  metric: string,
  bounds: { from: number; to: number },
  by?: string,
  empty: number | null = null,
): Series {
  const times: number[] = [];
  for (let at = floorTo(step, bounds.from); at < bounds.to; at += STEP_MS[step]) times.push(at / 1000);
  const place = new Map(times.map((time, index) => [time, index]));
  const columns = new Map<string, (number | null)[]>();
  for (const row of rows) {
    const name = by ? String(row[by] ?? "none") : metric;
    let column = columns.get(name);
    if (!column) {
      column = new Array(times.length).fill(empty);
      columns.set(name, column);
    }
    const index = place.get(Date.parse(String(row[step])) / 1000);
    const value = row[metric];
    if (index !== undefined && typeof value === "number") column[index] = value;
  }
  return { times, columns };
}

/** Columns on top of each other, the first at the bottom. */
export function stacked(columns: (number | null)[][]): (number | null)[][] {
  const sums: number[] = [];
  return columns.map((column) =>
    column.map((value, index) => {
      sums[index] = (sums[index] ?? 0) + (value ?? 0);
      return sums[index] ?? 0;
    }),
  );
}
