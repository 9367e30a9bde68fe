// What gateways say of their providers, put together.

import { get } from "../api/client";
import type { GatewayInfo, HealthStatus, Page, ProviderState } from "../api/types";

export interface Fleet {
  gateways: GatewayInfo[];
  /** The worst state of each provider over the live gateways. */
  providers: ProviderState[];
  sentence: string;
}

const RANK: Record<HealthStatus, number> = { healthy: 0, degraded: 1, unhealthy: 2 };

/** The worst of several gateways' views of the same providers, by name. */
export function worstOf(lists: ProviderState[][]): ProviderState[] {
  const worst = new Map<string, ProviderState>();
  for (const one of lists.flat()) {
    const known = worst.get(one.id);
    if (!known || RANK[one.status] > RANK[known.status]) worst.set(one.id, one);
  }
  return [...worst.values()].sort((a, b) => a.id.localeCompare(b.id));
}

/** One line of state in words. */
export function sentenceOf(gateways: GatewayInfo[], providers: ProviderState[]): string {
  const silent = gateways.filter((gateway) => gateway.state === "silent").map((gateway) => gateway.gateway_id);
  const failing = providers.filter((provider) => provider.status === "unhealthy").map((provider) => provider.id);
  const degraded = providers.filter((provider) => provider.status === "degraded").map((provider) => provider.id);
  const parts: string[] = [];
  if (providers.length && !failing.length && !degraded.length) {
    parts.push(providers.length === 1 ? "The only provider serves." : `All ${providers.length} providers serve.`);
  }
  if (failing.length) parts.push(`${failing.join(", ")} ${failing.length === 1 ? "does" : "do"} not serve.`);
  if (degraded.length) parts.push(`${degraded.join(", ")} ${degraded.length === 1 ? "is" : "are"} degraded.`);
  if (silent.length) parts.push(`${silent.join(", ")} ${silent.length === 1 ? "is" : "are"} silent.`);
  return parts.join(" ") || "No gateway has reported yet.";
}

/** Asks for all gateways, or the one that is chosen, and their providers. */
export async function fleet(gateway: string, signal: AbortSignal): Promise<Fleet> {
  const all = (await get<Page<GatewayInfo>>("/v1/gateways", {}, signal)).data;
  const gateways = gateway ? all.filter((one) => one.gateway_id === gateway) : all;
  const live = [...new Set(gateways.filter((one) => one.state === "live").map((one) => one.gateway_id))];
  const lists = await Promise.all(
    live.map((id) =>
      get<Page<ProviderState>>(`/v1/gateways/${encodeURIComponent(id)}/providers`, {}, signal).then(
        (page) => page.data,
      ),
    ),
  );
  const providers = worstOf(lists);
  return { gateways, providers, sentence: sentenceOf(gateways, providers) };
}
