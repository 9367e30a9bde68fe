import { get } from "../api/client";
import type { HealthHistory } from "../api/types";
import { percent, time } from "../lib/format";
import { type HealthBar, historyOf } from "../lib/history";
import { useQuery } from "../state/use-query";
import { addressOf, asked, bounds, type View } from "../state/view";
import { Card, Problem, Skeleton } from "./basics";

/** How each provider's health was over time, as gateways reported it. */
export function HealthHistoryCard({ view }: { view: View }) {
  const query = useQuery(
    `history ${addressOf({ ...view, path: "/", extra: {} })}`,
    (signal) => {
      const { model_group: _, ...range } = asked(view, Date.now());
      return get<HealthHistory>("/v1/health/history", range, signal);
    },
    view.live,
  );
  if (!query.data) return query.error ? <Problem error={query.error} /> : <Skeleton lines={2} />;
  const { from, to } = bounds(view, Date.now());
  const providers = [...historyOf(query.data, from, to)];
  return (
    <Card title="History of health">
      {providers.length ? (
        <ul class="plain history">
          {providers.map(([provider, bars]) => (
            <li key={provider}>
              <strong>{provider}</strong>
              <span class="bars" role="img" aria-label={summaryOf(provider, bars)}>
                {bars.map((bar) => (
                  <span key={bar.at} class={bar.status ?? "unknown"} title={titleOf(bar)} />
                ))}
              </span>
              <span class="quiet">{percent(shareOf(bars))} healthy</span>
            </li>
          ))}
        </ul>
      ) : (
        <p class="quiet">No gateway has reported for a whole minute of this range.</p>
      )}
    </Card>
  );
}

function shareOf(bars: HealthBar[]): number | null {
  const known = bars.flatMap((bar) => (bar.healthy === null ? [] : [bar.healthy]));
  return known.length ? known.reduce((sum, share) => sum + share, 0) / known.length : null;
}

function titleOf(bar: HealthBar): string {
  return `${time(bar.at)}: ${bar.status === null ? "not reported" : `${bar.status}, ${percent(bar.healthy)} healthy`}`;
}

function summaryOf(provider: string, bars: HealthBar[]): string {
  const bad = bars.filter((bar) => bar.status === "unhealthy" || bar.status === "degraded");
  const times = bad.slice(-5).map((bar) => `${bar.status} at ${time(bar.at)}`);
  return `${provider}: ${percent(shareOf(bars))} healthy${times.length ? `; ${times.join(", ")}` : ""}`;
}
