import { get } from "../api/client";
import type { GatewayInfo, Page, ProviderState, Row } from "../api/types";
import { Card, Copy, Empty, Health, Link, Moment, Problem, Skeleton } from "../components/basics";
import { Table } from "../components/table";
import { compact, count, duration, millis, NONE, percent, words } from "../lib/format";
import type { PageProps } from "../pages";
import { REPORT_INTERVAL_MS, useQuery } from "../state/use-query";

/** Of each provider, in the last hour. */
const METRICS = "availability,latency_p99,error_rate";

/** A row for each gateway; opened, its providers as it sees them now. */
export function Gateways({ view, rest }: PageProps) {
  const query = useQuery(
    "gateways",
    (signal) => get<Page<GatewayInfo>>("/v1/gateways", {}, signal),
    view.live,
    REPORT_INTERVAL_MS,
  );
  if (!query.data) return query.error ? <Problem error={query.error} /> : <Skeleton />;
  const gateways = query.data.data;
  if (rest) return <Gateway id={rest} info={gateways.find((one) => one.gateway_id === rest)} live={view.live} />;
  return (
    <Card>
      <Problem error={query.error} />
      <Table
        label="Gateways"
        rows={gateways}
        rowKey={(gateway) => gateway.instance_id}
        empty={
          <Empty command="kt gateway run --policy-config policy-config.yaml">
            No gateway has reported yet. Start one:
          </Empty>
        }
        columns={[
          {
            title: "Gateway",
            sort: (gateway) => gateway.gateway_id,
            cell: (gateway) => (
              <Link to={`/gateways/${encodeURIComponent(gateway.gateway_id)}`}>{gateway.gateway_id}</Link>
            ),
          },
          {
            title: "State",
            sort: (gateway) => gateway.silent_seconds,
            cell: (gateway) =>
              gateway.state === "live" ? (
                <Health status={gateway.providers.unhealthy ? "degraded" : "healthy"} />
              ) : (
                <span class="state unhealthy">■ silent for {duration(gateway.silent_seconds)}</span>
              ),
          },
          {
            title: "Providers",
            cell: ({ providers }) =>
              `${providers.healthy} of ${providers.healthy + providers.degraded + providers.unhealthy} healthy`,
          },
          {
            title: "Requests/s",
            figure: true,
            sort: (gateway) => gateway.requests_per_second,
            cell: (gateway) => compact(gateway.requests_per_second),
          },
          {
            title: "Up",
            figure: true,
            sort: (gateway) => gateway.uptime_seconds,
            cell: (gateway) => duration(gateway.uptime_seconds),
          },
          { title: "Version", wide: true, cell: (gateway) => gateway.version ?? NONE },
          { title: "Policy", wide: true, cell: (gateway) => <code>{gateway.config_version ?? NONE}</code> },
          {
            title: "Events waiting",
            figure: true,
            wide: true,
            cell: (gateway) =>
              gateway.events_dropped ? (
                <span class="bad">{count(gateway.events_dropped)} lost</span>
              ) : (
                compact(gateway.events_pending)
              ),
          },
        ]}
      />
    </Card>
  );
}

function Gateway({ id, info, live }: { id: string; info: GatewayInfo | undefined; live: boolean }) {
  const query = useQuery(
    `gateway ${id}`,
    (signal) => get<Page<ProviderState>>(`/v1/gateways/${encodeURIComponent(id)}/providers`, {}, signal),
    live,
    REPORT_INTERVAL_MS,
  );
  const metrics = useQuery(
    `gateway metrics ${id}`,
    (signal) =>
      get<Page<Row>>(
        "/v1/events",
        { since: "1h", gateway_id: id, group_by: "attempts.provider", metrics: METRICS },
        signal,
      ),
    live,
  );
  const value = (provider: string, name: string) => {
    const row = metrics.data?.data.find((one) => one["attempts.provider"] === provider);
    return typeof row?.[name] === "number" ? row[name] : null;
  };
  if (!query.data) return query.error ? <Problem error={query.error} /> : <Skeleton />;
  return (
    <>
      <p>
        <Link to="/gateways">All gateways</Link>
      </p>
      {info ? (
        <p class="statement" role="status">
          {info.gateway_id} is{" "}
          {info.state === "live"
            ? `up for ${duration(info.uptime_seconds)}`
            : `silent for ${duration(info.silent_seconds)}`}
          , version {info.version ?? "unknown"}, policy{" "}
          <Link to={`/policy/${encodeURIComponent(id)}`}>{info.config_version ?? "unknown"}</Link>.
        </p>
      ) : null}
      <Card title="Providers as this gateway sees them">
        <Problem error={query.error} />
        <Table
          label="Providers"
          rows={query.data.data}
          rowKey={(provider) => provider.id}
          empty={<p class="quiet">This gateway has not told its providers yet.</p>}
          columns={[
            { title: "Provider", sort: (provider) => provider.id, cell: (provider) => <strong>{provider.id}</strong> },
            {
              title: "Vendor",
              wide: true,
              sort: (provider) => provider.vendor,
              cell: (provider) => provider.vendor ?? NONE,
            },
            {
              title: "Health",
              sort: (provider) => provider.status,
              cell: (provider) => (
                <Health status={provider.status} reason={provider.status === "healthy" ? null : provider.reason} />
              ),
            },
            {
              title: "Availability, 1 h",
              figure: true,
              sort: (provider) => value(provider.id, "availability"),
              cell: (provider) => percent(value(provider.id, "availability")),
            },
            {
              title: "p99, 1 h",
              figure: true,
              wide: true,
              sort: (provider) => value(provider.id, "latency_p99"),
              cell: (provider) => millis(value(provider.id, "latency_p99")),
            },
            {
              title: "Error Rate, 1 h",
              figure: true,
              wide: true,
              sort: (provider) => value(provider.id, "error_rate"),
              cell: (provider) => percent(value(provider.id, "error_rate")),
            },
            { title: "Breaker", sort: (provider) => provider.breaker, cell: (provider) => words(provider.breaker) },
            {
              title: "Failures in a row",
              figure: true,
              sort: (provider) => provider.consecutive_failures,
              cell: (provider) => count(provider.consecutive_failures),
            },
            { title: "Asked again", cell: (provider) => <Moment at={provider.retry_at_ms} /> },
            { title: "Last check", wide: true, cell: (provider) => <Moment at={provider.last_check_ms} /> },
            {
              title: "Probe",
              figure: true,
              wide: true,
              sort: (provider) => provider.probe_latency_ms,
              cell: (provider) => millis(provider.probe_latency_ms),
            },
          ]}
        />
      </Card>
      {info ? (
        <p class="quiet">
          Instance <Copy text={info.instance_id} />
        </p>
      ) : null}
    </>
  );
}
