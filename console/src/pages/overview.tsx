import { get } from "../api/client";
import type { Alert, HealthChange, Page, Row } from "../api/types";
import { Card, Empty, Health, Link, Moment, Problem, Skeleton } from "../components/basics";
import { Chart, Sparkline } from "../components/chart";
import { HealthHistoryCard } from "../components/health-history";
import { fleet } from "../lib/fleet";
import { change, compact, count, millis, percent, usd, words } from "../lib/format";
import { seriesOf } from "../lib/series";
import type { PageProps } from "../pages";
import { REPORT_INTERVAL_MS, useQuery } from "../state/use-query";
import { addressOf, asked, askedBefore, bounds, step } from "../state/view";

const TOTALS =
  "request_count,error_count,error_rate,blocked_count,failover_count,failover_rate,latency_p50,latency_p99,ttft_p50,total_tokens,total_cost,unpriced_count";
const STEPS =
  "request_count,error_count,blocked_count,failover_count,latency_p50,latency_p99,ttft_p50,total_tokens,total_cost";

interface Figure {
  title: string;
  metric: string;
  format: (value: number | null | undefined) => string;
  /** More is worse, so a rise is shown in red. */
  badWhenUp?: boolean;
  search?: string;
}

const FIGURES: Figure[] = [
  { title: "Requests", metric: "request_count", format: compact },
  { title: "Failed", metric: "error_rate", format: percent, badWhenUp: true, search: "error:true" },
  { title: "Failed over", metric: "failover_rate", format: percent, badWhenUp: true, search: "failover:true" },
  { title: "p50", metric: "latency_p50", format: millis, badWhenUp: true },
  { title: "p99", metric: "latency_p99", format: millis, badWhenUp: true },
  { title: "First token, p50", metric: "ttft_p50", format: millis, badWhenUp: true },
  { title: "Tokens", metric: "total_tokens", format: compact },
  { title: "Cost", metric: "total_cost", format: usd },
];

export function Overview({ view, update }: PageProps) {
  const now = Date.now();
  const { dimension } = step(view, now);
  const query = useQuery(
    `overview ${addressOf({ ...view, path: "/", extra: {} })}`,
    async (signal) => {
      const wide = asked(view, Date.now());
      const ask = (parameters: Record<string, string>) =>
        get<Page<Row>>("/v1/events", parameters, signal).then((page) => page.data);
      const real = { simulated: "false", metrics: "request_count,total_cost,unpriced_count" };
      const [totals, before, steps, attempts, changes, alerts, spent, spentBefore] = await Promise.all([
        ask({ ...wide, metrics: TOTALS }),
        ask({ ...askedBefore(view, Date.now()), metrics: TOTALS }),
        ask({ ...wide, group_by: dimension, metrics: STEPS }),
        ask({ ...wide, group_by: "attempts.provider", metrics: "attempt_count,availability,latency_p99,total_cost" }),
        get<Page<HealthChange>>(
          "/v1/events",
          { event_type: "gateway.health_changed", limit: 8, gateway_id: view.gateway },
          signal,
        ),
        get<Page<Alert>>("/v1/alerts", {}, signal),
        ask({ ...wide, ...real }),
        ask({ ...askedBefore(view, Date.now()), ...real }),
      ]);
      // What simulated providers answered was not spent.
      const withCost = (all: Row = {}, paid: Row = {}): Row => ({
        ...all,
        total_cost: paid.total_cost ?? null,
        unpriced_count: paid.unpriced_count ?? null,
        simulated: Number(all.request_count ?? 0) - Number(paid.request_count ?? 0),
      });
      return {
        totals: withCost(totals[0], spent[0]),
        before: withCost(before[0], spentBefore[0]),
        steps,
        attempts,
        changes: changes.data,
        alerts: alerts.data,
      };
    },
    view.live,
  );
  const gateways = useQuery(
    `fleet ${view.gateway}`,
    (signal) => fleet(view.gateway, signal),
    view.live,
    REPORT_INTERVAL_MS,
  );
  const [data, live] = [query.data, gateways.data];
  const problem = query.error ?? gateways.error;
  if (!data || !live) return problem ? <Problem error={problem} /> : <Skeleton lines={8} />;
  const value = (row: Row, name: string) => (typeof row[name] === "number" ? row[name] : null);
  const requests = value(data.totals, "request_count") ?? 0;
  const range = bounds(view, now);
  const column = (metric: string) =>
    seriesOf(data.steps, dimension, metric, range, undefined, 0).columns.get(metric) ?? [];
  const times = seriesOf(data.steps, dimension, "request_count", range).times;
  const served = column("request_count").map(
    (all, index) =>
      (all ?? 0) -
      (column("error_count")[index] ?? 0) -
      (column("blocked_count")[index] ?? 0) -
      (column("failover_count")[index] ?? 0),
  );
  return (
    <>
      <Problem error={problem} />
      <p class="statement" role="status">
        {live.sentence}{" "}
        {requests
          ? `${percent(value(data.totals, "failover_rate"))} of requests failed over, ${percent(value(data.totals, "error_rate"))} failed.`
          : ""}
      </p>
      {data.alerts.some((alert) => alert.ended_ms == null) ? (
        <p class="problem">
          {data.alerts.filter((alert) => alert.ended_ms == null).length} thresholds are exceeded.{" "}
          <Link to="/health">Look at Health</Link>
        </p>
      ) : null}
      <div class="figures">
        {FIGURES.map((figure) => {
          const current = value(data.totals, figure.metric);
          const moved = change(current, value(data.before, figure.metric));
          const line = seriesOf(data.steps, dimension, figure.metric.replace("_rate", "_count"), range, undefined, 0);
          const worse = moved !== null && figure.badWhenUp && moved > 0.05;
          return (
            <section class="card figure-card" key={figure.title} aria-label={figure.title}>
              <h2>{figure.title}</h2>
              <Link
                to={addressOf({ ...view, path: "/requests", extra: figure.search ? { q: figure.search } : {} })}
                class="value"
              >
                {figure.metric === "total_cost" && requests === 0 ? usd(0) : figure.format(current)}
              </Link>
              <span class={worse ? "bad" : "quiet"}>
                {moved === null ? " " : `${moved >= 0 ? "+" : "−"}${percent(Math.abs(moved))} to before`}
              </span>
              <Sparkline values={[...line.columns.values()][0] ?? []} />
            </section>
          );
        })}
      </div>
      {(value(data.totals, "simulated") ?? 0) > 0 ? (
        <p class="quiet">
          Simulated providers answered {count(value(data.totals, "simulated"))} of these requests: nothing was spent on
          them.
        </p>
      ) : null}
      {(value(data.totals, "unpriced_count") ?? 0) > 0 ? (
        <p class="quiet">
          {count(value(data.totals, "unpriced_count"))} requests have no known price and are not part of the cost.{" "}
          <Link to="/costs">Which models</Link>
        </p>
      ) : null}

      <Card title="Providers">
        {live.providers.length === 0 ? (
          <Empty command="kt gateway run --policy-config policy-config.yaml">
            No gateway has reported yet. Start one:
          </Empty>
        ) : (
          <div class="tiles">
            {live.providers.map((provider) => {
              const row = data.attempts.find((one) => one["attempts.provider"] === provider.id) ?? {};
              const total = value(data.totals, "total_cost");
              const cost = value(row, "total_cost");
              return (
                <section class={`tile ${provider.status}`} key={provider.id} aria-label={provider.id}>
                  <strong>{provider.id}</strong>
                  <Health status={provider.status} reason={provider.status === "healthy" ? null : provider.reason} />
                  <dl>
                    <dt>Availability</dt>
                    <dd>{percent(value(row, "availability"))}</dd>
                    <dt>p99</dt>
                    <dd>{millis(value(row, "latency_p99"))}</dd>
                    <dt>Attempts</dt>
                    <dd>{compact(value(row, "attempt_count"))}</dd>
                    <dt>Cost share</dt>
                    <dd>{total && cost !== null ? percent(cost / total) : "–"}</dd>
                  </dl>
                </section>
              );
            })}
          </div>
        )}
      </Card>

      <Card title={`Requests by ${dimension}`}>
        {requests ? (
          <Chart
            title={`Requests by ${dimension} and outcome`}
            times={times}
            stack
            format={(n) => compact(n)}
            lines={[
              { name: "served first", values: served, color: "--good" },
              { name: "served by fallback", values: column("failover_count"), color: "--warn" },
              { name: "failed", values: column("error_count"), color: "--bad" },
              { name: "blocked", values: column("blocked_count"), color: "--quiet" },
            ]}
            onZoom={(from, to) =>
              update({
                range: "custom",
                since: new Date(from * 1000).toISOString(),
                until: new Date(to * 1000).toISOString(),
              })
            }
          />
        ) : (
          <Empty
            command={
              'curl localhost:41002/v1/chat/completions -H "content-type: application/json" -d \'{"model": "reliable-chat", "messages": [{"role": "user", "content": "Hello"}]}\''
            }
          >
            No requests in this range. Send one:
          </Empty>
        )}
      </Card>

      <HealthHistoryCard view={view} />
      <Card title="Latest health changes">
        {data.changes.length ? (
          <ul class="plain">
            {data.changes.map((one) => (
              <li key={one.id}>
                <Moment at={one.timestamp} /> <strong>{one.provider}</strong> {one.from} →{" "}
                <Health status={one.to} reason={one.reason} />
                {live.gateways.length > 1 ? <span class="quiet"> at {one.gateway_id}</span> : null}
              </li>
            ))}
          </ul>
        ) : (
          <p class="quiet">No provider has changed its health.</p>
        )}
        {data.alerts.length ? (
          <>
            <h3>Alerts</h3>
            <ul class="plain">
              {data.alerts.slice(0, 8).map((alert) => (
                <li key={alert.id}>
                  <Moment at={alert.ended_ms ?? alert.since_ms} /> <strong>{alert.provider}</strong>{" "}
                  <span class={alert.ended_ms == null ? "bad" : "quiet"}>
                    {words(alert.panel)} {alert.ended_ms == null ? "beyond its threshold" : "back within its threshold"}
                  </span>
                </li>
              ))}
            </ul>
          </>
        ) : null}
      </Card>
    </>
  );
}
