// The headers that the gateway gives an answer beside the provider's own, as its event tells them.

import type { DecisionEvent } from "../api/types";

export function headersOf(event: DecisionEvent): [string, string][] {
  const served: [string, string | null][] = event.provider
    ? [
        ["x-keeptrusts-provider", event.provider],
        ["x-keeptrusts-model", event.resolved_model],
        ["x-keeptrusts-model-group", event.model_group],
        ["x-keeptrusts-fallback-count", String(event.fallback_count)],
      ]
    : [];
  const all: [string, string | null][] = [...served, ["x-keeptrusts-request-id", event.request_id]];
  return all.flatMap(([name, value]): [string, string][] => (value ? [[name, value]] : []));
}
