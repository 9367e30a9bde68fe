import { get, post } from "../api/client";
import type { Arm, Comparison, Estimate, Explanation, GatewayInfo, Page } from "../api/types";
import { Card, Empty, Problem, Skeleton } from "../components/basics";
import { Table } from "../components/table";
import { compact, count, millis, percent, UNKNOWN, usd } from "../lib/format";
import type { PageProps } from "../pages";
import { useQuery } from "../state/use-query";
import { addressOf, asked, type View } from "../state/view";

const BY = { provider_model: "provider/model", tag: "tag", provider: "provider", resolved_model: "model" } as const;

interface Measure {
  title: string;
  of: (arm: Arm) => Estimate | null | undefined;
  format: (value: number | null | undefined) => string;
}

const MEASURES: Measure[] = [
  { title: "Error rate", of: (arm) => arm.error_rate, format: percent },
  { title: "Mean latency", of: (arm) => arm.latency_mean_ms, format: millis },
  { title: "Cost per request", of: (arm) => arm.cost_per_request_usd, format: usd },
  { title: "Quality Score", of: (arm) => arm.quality_score, format: percent },
];

/** Arms of an A/B test beside each other, with intervals and a verdict in words. */
export function Experiments({ view, update }: PageProps) {
  const by = (view.extra.by ?? "provider_model") as keyof typeof BY;
  const query = useQuery(
    `experiments ${addressOf(view)}`,
    (signal) =>
      get<Comparison>(
        "/v1/compare",
        { ...asked(view, Date.now()), by: by === "provider_model" ? "provider,resolved_model" : by },
        signal,
      ),
    view.live,
  );
  const weights = useQuery(`weights ${view.gateway} ${view.group} ${by}`, (signal) => weightsOf(view, by, signal));
  const data = query.data;
  if (!data) return query.error ? <Problem error={query.error} /> : <Skeleton lines={6} />;
  const all = data.arms.reduce((sum, arm) => sum + arm.requests, 0);
  return (
    <>
      <Problem error={query.error} />
      <p class="statement" role="status">
        {data.verdict || "Nothing to compare."}
      </p>
      <Card
        title="Arms"
        aside={
          <label>
            By{" "}
            <select
              value={by}
              onChange={(event) => update({ extra: { ...view.extra, by: event.currentTarget.value } })}
            >
              {Object.entries(BY).map(([key, title]) => (
                <option key={key} value={key}>
                  {title}
                </option>
              ))}
            </select>
          </label>
        }
      >
        <Table
          label="Arms of the experiment"
          rows={data.arms}
          rowKey={(arm) => arm.name}
          empty={<Empty>Choose a group with weights: its members are the arms.</Empty>}
          columns={[
            { title: "Provider", sort: (arm) => arm.name, cell: (arm) => arm.name },
            {
              title: "Weight",
              figure: true,
              wide: true,
              cell: (arm) => {
                const weight = weights.data?.get(arm.name);
                return weight === undefined ? "–" : percent(weight);
              },
            },
            { title: "Requests", figure: true, sort: (arm) => arm.requests, cell: (arm) => count(arm.requests) },
            {
              title: "Share",
              figure: true,
              wide: true,
              cell: (arm) => percent(arm.requests / Math.max(1, all)),
            },
            {
              title: "Success",
              figure: true,
              sort: (arm) => 1 - arm.error_rate.value,
              cell: (arm) => percent(1 - arm.error_rate.value),
            },
            {
              title: "p50 Latency",
              figure: true,
              sort: (arm) => arm.latency_p50_ms,
              cell: (arm) => millis(arm.latency_p50_ms),
            },
            {
              title: "p99 Latency",
              figure: true,
              sort: (arm) => arm.latency_p99_ms,
              cell: (arm) => millis(arm.latency_p99_ms),
            },
            {
              title: "Tokens",
              figure: true,
              wide: true,
              sort: (arm) => arm.input_tokens + arm.output_tokens,
              cell: (arm) => compact(arm.input_tokens + arm.output_tokens),
            },
            {
              title: "Cost/1M tokens",
              figure: true,
              sort: (arm) => arm.cost_per_1m_tokens_usd,
              cell: (arm) => usd(arm.cost_per_1m_tokens_usd),
            },
            {
              title: "Quality Score",
              figure: true,
              sort: (arm) => arm.quality_score?.value,
              cell: (arm) => (arm.quality_score ? percent(arm.quality_score.value) : "–"),
            },
          ]}
        />
      </Card>
      {data.arms.length ? (
        <Card title="With 95 % confidence">
          {MEASURES.map((measure) => (
            <Intervals key={measure.title} measure={measure} arms={data.arms} />
          ))}
          <ul class="plain">
            {data.differences
              .filter((one) => one.proved)
              .map((one) => (
                <li key={`${one.arm} ${one.measure}`}>
                  <strong>{one.arm}</strong> differs from {one.baseline} in {one.measure.replaceAll("_", " ")}: proved.
                </li>
              ))}
          </ul>
        </Card>
      ) : null}
    </>
  );
}

/** The shares that the policy gives the arms of the group that is looked at. */
async function weightsOf(view: View, by: keyof typeof BY, signal: AbortSignal): Promise<Map<string, number>> {
  const shares = new Map<string, number>();
  if (!view.group) return shares;
  const gateways = (await get<Page<GatewayInfo>>("/v1/gateways", {}, signal)).data;
  const gateway = gateways.find(
    (one) => (!view.gateway || one.gateway_id === view.gateway) && one.policy?.groups.includes(view.group),
  );
  if (!gateway) return shares;
  const request = { model: view.group, messages: [{ role: "user", content: "" }] };
  const path = `/v1/gateways/${encodeURIComponent(gateway.gateway_id)}/explain`;
  const { members } = await post<Explanation>(path, { request });
  const own = members.filter((member) => member.model_group === view.group && member.weight !== null);
  const sum = own.reduce((total, member) => total + (member.weight ?? 0), 0);
  for (const member of own) {
    const names = {
      provider_model: `${member.provider}/${member.model}`,
      tag: member.tag ?? "none",
      provider: member.provider,
      resolved_model: member.model,
    };
    const name = names[by];
    shares.set(name, (shares.get(name) ?? 0) + (member.weight ?? 0) / Math.max(1, sum));
  }
  return shares;
}

function Intervals({ measure, arms }: { measure: Measure; arms: Arm[] }) {
  const known = arms.flatMap((arm) => {
    const estimate = measure.of(arm);
    return estimate ? [{ name: arm.name, estimate }] : [];
  });
  if (!known.length) {
    return (
      <p class="quiet">
        {measure.title}: {UNKNOWN}
      </p>
    );
  }
  const low = Math.min(...known.map((one) => one.estimate.low));
  const high = Math.max(...known.map((one) => one.estimate.high));
  const place = (value: number) => (high > low ? ((value - low) / (high - low)) * 100 : 50);
  return (
    <section class="intervals" aria-label={measure.title}>
      <h3>{measure.title}</h3>
      {known.map(({ name, estimate }) => (
        <div class="interval" key={name}>
          <span>{name}</span>
          <span class="bar" aria-hidden="true">
            <span
              style={{
                left: `${place(estimate.low)}%`,
                width: `${Math.max(0.5, place(estimate.high) - place(estimate.low))}%`,
              }}
            />
            <i style={{ left: `${place(estimate.value)}%` }} />
          </span>
          <span class="figure">
            {measure.format(estimate.value)}{" "}
            <span class="quiet">
              ({measure.format(estimate.low)} to {measure.format(estimate.high)})
            </span>
          </span>
        </div>
      ))}
    </section>
  );
}
