// The history of providers' health as bars of equal steps.

import type { HealthHistory, HealthStatus } from "../api/types";

export interface HealthBar {
  /** Begin, Unix milliseconds. */
  at: number;
  /** The worst state of the step; null where nobody reported. */
  status: HealthStatus | null;
  /** Share of the reported time in which the provider was healthy. */
  healthy: number | null;
}

/** Bars for each provider from `from` until `to`; several gateways are put together. */
export function historyOf(history: HealthHistory, from: number, to: number): Map<string, HealthBar[]> {
  const step = history.step_minutes * 60_000;
  const begin = Math.floor(from / step) * step;
  const sums = new Map<string, [number, number, number][]>();
  const steps = Math.max(1, Math.ceil((to - begin) / step));
  for (const one of history.data) {
    const index = Math.floor((Date.parse(one.time) - begin) / step);
    if (index < 0 || index >= steps) continue;
    let row = sums.get(one.provider);
    if (!row) {
      row = Array.from({ length: steps }, () => [0, 0, 0]);
      sums.set(one.provider, row);
    }
    const sum = row[index];
    if (!sum) continue;
    sum[0] += one.healthy_seconds;
    sum[1] += one.degraded_seconds;
    sum[2] += one.unhealthy_seconds;
  }
  const bars = [...sums].map(([provider, row]): [string, HealthBar[]] => [
    provider,
    row.map(([healthy, degraded, unhealthy], index) => {
      const known = healthy + degraded + unhealthy;
      return {
        at: begin + index * step,
        status: known === 0 ? null : unhealthy > 0 ? "unhealthy" : degraded > 0 ? "degraded" : "healthy",
        healthy: known === 0 ? null : healthy / known,
      };
    }),
  ]);
  return new Map(bars.sort(([a], [b]) => a.localeCompare(b)));
}
