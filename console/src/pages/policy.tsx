import { get } from "../api/client";
import type { GatewayInfo, Page } from "../api/types";
import { Card, Empty, Link, Problem, Skeleton } from "../components/basics";
import { ExplainCard } from "../components/explain";
import type { PageProps } from "../pages";
import { useQuery } from "../state/use-query";

/** What is in force at each gateway, read only. Keys are named there, never shown. */
export function Policy({ rest, view }: PageProps) {
  const query = useQuery(`policy ${rest}`, async (signal) => {
    const gateways = (await get<Page<GatewayInfo>>("/v1/gateways", {}, signal)).data;
    const id = rest || gateways[0]?.gateway_id;
    const policy = id
      ? await get<{ config_version: string; yaml: string }>(`/v1/gateways/${encodeURIComponent(id)}/policy`, {}, signal)
      : undefined;
    const own = gateways.filter((gateway) => gateway.gateway_id === id);
    const groups = [...new Set(own.flatMap((gateway) => gateway.policy?.groups ?? []))].sort();
    return { ids: [...new Set(gateways.map((gateway) => gateway.gateway_id))], id, policy, groups };
  });
  if (!query.data) return query.error ? <Problem error={query.error} /> : <Skeleton lines={12} />;
  const { ids, id, policy, groups } = query.data;
  if (!id || !policy)
    return (
      <Empty command="kt policy lint --file policy-config.yaml">
        No gateway has reported yet. Check a policy before you start one:
      </Empty>
    );
  return (
    <>
      {ids.length > 1 ? (
        <p class="choices">
          {ids.map((one) => (
            <Link key={one} to={`/policy/${encodeURIComponent(one)}`} current={one === id}>
              {one}
            </Link>
          ))}
        </p>
      ) : null}
      <Card
        title={`In force at ${id}`}
        aside={
          <span class="quiet">
            version <code>{policy.config_version}</code>
          </span>
        }
      >
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
        <pre tabIndex={0} role="region" aria-label="Policy">
          {policy.yaml}
        </pre>
      </Card>
      <ExplainCard key={id} gateway={id} groups={groups} group={view.extra.model ?? ""} />
    </>
  );
}
