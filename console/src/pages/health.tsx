import { useState } from "preact/hooks";
import { get, put, remove } from "../api/client";
import type { Alert, Page, Panel, Row, Threshold, Webhook } from "../api/types";
import { Card, Empty, Link, Moment, Problem, Skeleton } from "../components/basics";
import { Chart } from "../components/chart";
import { SidePanel } from "../components/dialog";
import { HealthHistoryCard } from "../components/health-history";
import { compact, millis, percent, usd } from "../lib/format";
import { seriesOf } from "../lib/series";
import type { PageProps } from "../pages";
import { may } from "../state/session";
import { useQuery } from "../state/use-query";
import { addressOf, asked, bounds, step } from "../state/view";

interface PanelInfo {
  panel: Panel;
  title: string;
  metric: string;
  /** Drawn as well, with what stands behind a provider's name there. */
  beside?: { metric: string; suffix: string };
  what: string;
  /** In the chart. */
  format: (value: number | null) => string;
  /** The threshold in words. */
  limit: (value: number) => string;
  /** As people type it; `scale` times the value. */
  input: { suffix: string; scale: number };
}

// As the documentation of the product names them, with its thresholds as defaults.
const PANELS: PanelInfo[] = [
  {
    panel: "availability",
    title: "Availability",
    metric: "availability",
    what: "Share of attempts that did not fail",
    format: (value) => percent(value),
    limit: (value) => `alert below ${percent(value)}`,
    input: { suffix: "%", scale: 100 },
  },
  {
    panel: "latency",
    title: "Latency",
    metric: "latency_p99",
    beside: { metric: "latency_p50", suffix: " p50" },
    what: "p50 and p99 of answers; the threshold is for p99",
    format: (value) => millis(value),
    limit: (value) => `alert above ${millis(value)}`,
    input: { suffix: "ms", scale: 1 },
  },
  {
    panel: "error_rate",
    title: "Error Rate",
    metric: "error_rate",
    what: "4xx and 5xx of all attempts",
    format: (value) => percent(value),
    limit: (value) => `alert above ${percent(value)}`,
    input: { suffix: "%", scale: 100 },
  },
  {
    panel: "rate_limiting",
    title: "Rate Limiting",
    metric: "rate_limited_count",
    what: "429 answers per minute",
    format: (value) => compact(value),
    limit: (value) => `alert above ${compact(value)} a minute`,
    input: { suffix: "per minute", scale: 1 },
  },
  {
    panel: "cost_efficiency",
    title: "Cost Efficiency",
    metric: "cost_per_successful_request",
    what: "Cost per successful request",
    format: (value) => (value == null ? "–" : usd(value)),
    limit: (value) => `alert above ${compact(value)} times the baseline`,
    input: { suffix: "times the baseline", scale: 1 },
  },
];

const STEP_MINUTES = { minute: 1, hour: 60, day: 1440 };

export function HealthPanels({ view, update }: PageProps) {
  const now = Date.now();
  const { dimension } = step(view, now);
  const [editing, setEditing] = useState<PanelInfo>();
  const query = useQuery(
    `health ${addressOf({ ...view, path: "/health", extra: {} })}`,
    async (signal) => {
      const metrics = PANELS.flatMap((panel) => [panel.metric, ...(panel.beside ? [panel.beside.metric] : [])]).join(
        ",",
      );
      const [rows, thresholds, alerts, webhooks] = await Promise.all([
        get<Page<Row>>(
          "/v1/events",
          { ...asked(view, Date.now()), group_by: `${dimension},attempts.provider`, metrics },
          signal,
        ),
        get<Page<Threshold>>("/v1/thresholds", {}, signal),
        get<Page<Alert>>("/v1/alerts", {}, signal),
        get<Page<Webhook>>("/v1/webhooks", {}, signal),
      ]);
      return { rows: rows.data, thresholds: thresholds.data, alerts: alerts.data, webhooks: webhooks.data };
    },
    view.live,
  );
  const data = query.data;
  if (!data) return query.error ? <Problem error={query.error} /> : <Skeleton lines={8} />;
  const listening = data.webhooks.filter(
    (hook) => !hook.event_types.length || hook.event_types.includes("health.threshold_breached"),
  );
  return (
    <>
      <Problem error={query.error} />
      <p class="quiet">
        {listening.length
          ? `A breach is told to ${listening.map((hook) => new URL(hook.url).host).join(", ")}.`
          : "Nobody is told of a breach. "}{" "}
        <Link to="/webhooks">Webhooks</Link>
      </p>
      <HealthHistoryCard view={view} />
      {PANELS.map((panel) => {
        const threshold = data.thresholds.find((one) => one.panel === panel.panel && one.provider === null);
        const by = (metric: string) => seriesOf(data.rows, dimension, metric, bounds(view, now), "attempts.provider");
        const series = by(panel.metric);
        const lines = [...series.columns].map(([name, values]) => ({
          name: panel.beside ? `${name} p99` : name,
          values,
        }));
        if (panel.beside) {
          for (const [name, values] of by(panel.beside.metric).columns) {
            lines.push({ name: name + panel.beside.suffix, values });
          }
        }
        // The threshold of rate limiting is for a minute; the chart's steps may be longer.
        const perMinute = panel.panel === "rate_limiting" ? STEP_MINUTES[dimension] : 1;
        const open = data.alerts.filter((alert) => alert.panel === panel.panel && alert.ended_ms == null);
        return (
          <Card
            key={panel.panel}
            title={panel.title}
            aside={
              <span class="aside">
                <span class="quiet">{panel.what}</span>{" "}
                <button type="button" class="small" disabled={!may("operator")} onClick={() => setEditing(panel)}>
                  {threshold ? panel.limit(threshold.value) : "Threshold"}
                </button>
              </span>
            }
          >
            {open.length ? (
              <ul class="plain">
                {open.map((alert) => (
                  <li key={alert.id} class="bad">
                    ■ <strong>{alert.provider}</strong>: {panel.format(alert.value)} since{" "}
                    <Moment at={alert.since_ms} />
                  </li>
                ))}
              </ul>
            ) : null}
            {series.columns.size ? (
              <Chart
                title={`${panel.title} by provider`}
                times={series.times}
                format={panel.format}
                lines={lines
                  .sort((a, b) => a.name.localeCompare(b.name))
                  .map(({ name, values }) => ({
                    name,
                    values: values.map((value) => (value === null ? null : value / perMinute)),
                  }))}
                threshold={
                  threshold && panel.panel !== "cost_efficiency"
                    ? { value: threshold.value, label: panel.limit(threshold.value) }
                    : undefined
                }
                onZoom={(from, to) =>
                  update({
                    range: "custom",
                    since: new Date(from * 1000).toISOString(),
                    until: new Date(to * 1000).toISOString(),
                  })
                }
              />
            ) : (
              <Empty>No attempts in this range.</Empty>
            )}
          </Card>
        );
      })}
      {editing ? (
        <EditThreshold
          panel={editing}
          thresholds={data.thresholds}
          providers={[...new Set(data.rows.map((row) => String(row["attempts.provider"])))].sort()}
          onClose={() => {
            setEditing(undefined);
            query.reload();
          }}
        />
      ) : null}
    </>
  );
}

function EditThreshold(props: { panel: PanelInfo; thresholds: Threshold[]; providers: string[]; onClose: () => void }) {
  const { panel, thresholds, onClose } = props;
  const [provider, setProvider] = useState("");
  const [error, setError] = useState<Error>();
  const known = thresholds.find((one) => one.panel === panel.panel && (one.provider ?? "") === provider);
  const general = thresholds.find((one) => one.panel === panel.panel && one.provider === null);
  const run = (work: Promise<unknown>) => work.then(onClose, setError);
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    const value = Number(new FormData(event.currentTarget as HTMLFormElement).get("value")) / panel.input.scale;
    void run(put("/v1/thresholds", { panel: panel.panel, provider: provider || null, value }));
  };
  return (
    <SidePanel title={`Threshold: ${panel.title}`} onClose={onClose}>
      <form onSubmit={save}>
        <label>
          Provider
          <select value={provider} onChange={(event) => setProvider(event.currentTarget.value)}>
            <option value="">all providers</option>
            {props.providers.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          {panel.what} ({panel.input.suffix})
          <input
            key={provider}
            name="value"
            type="number"
            step="any"
            min="0"
            required
            defaultValue={String(Number(((known ?? general)?.value ?? 0) * panel.input.scale))}
          />
        </label>
        <p class="quiet">
          {general ? `Default: ${panel.limit(general.default)}, over ${general.window_seconds / 60} minutes.` : null}
        </p>
        <Problem error={error} />
        <div class="buttons">
          <button type="submit" class="primary">
            Save
          </button>
          {known && (known.provider !== null || known.value !== known.default) ? (
            <button type="button" onClick={() => run(remove("/v1/thresholds", { panel: panel.panel, provider }))}>
              Back to the default
            </button>
          ) : null}
        </div>
      </form>
    </SidePanel>
  );
}
