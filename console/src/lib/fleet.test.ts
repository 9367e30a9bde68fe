import { expect, it } from "vitest";
import type { GatewayInfo, HealthStatus, ProviderState } from "../api/types";
import { sentenceOf, worstOf } from "./fleet";

const provider = (id: string, status: HealthStatus): ProviderState => ({
  id,
  status,
  vendor: null,
  breaker: "closed",
  reason: null,
  consecutive_failures: 0,
  retry_at_ms: null,
  last_check_ms: null,
  probe_latency_ms: null,
});
const gateway = (gateway_id: string, state: "live" | "silent") => ({ gateway_id, state }) as GatewayInfo;

it("shows the worst view of a provider", () => {
  const worst = worstOf([
    [provider("openai", "healthy"), provider("azure", "degraded")],
    [provider("openai", "unhealthy"), provider("azure", "healthy")],
  ]);
  expect(worst.map((one) => [one.id, one.status])).toEqual([
    ["azure", "degraded"],
    ["openai", "unhealthy"],
  ]);
});

it("says the state in words", () => {
  expect(sentenceOf([gateway("eu", "live")], [provider("a", "healthy"), provider("b", "healthy")])).toBe(
    "All 2 providers serve.",
  );
  expect(
    sentenceOf(
      [gateway("eu", "live"), gateway("us", "silent")],
      [provider("a", "unhealthy"), provider("b", "degraded")],
    ),
  ).toBe("a does not serve. b is degraded. us is silent.");
  expect(sentenceOf([], [])).toBe("No gateway has reported yet.");
});
