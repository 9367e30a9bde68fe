import { expect, it } from "vitest";
import { historyOf } from "./history";

const NOON = Date.UTC(2026, 10, 21, 12);
const row = (minute: number, provider: string, gateway: string, states: [number, number, number]) => ({
  time: new Date(NOON + minute * 60_000).toISOString(),
  gateway_id: gateway,
  provider,
  healthy_seconds: states[0],
  degraded_seconds: states[1],
  unhealthy_seconds: states[2],
});

it("shows the worst of each step over all gateways, and gaps where nobody reported", () => {
  const history = {
    step_minutes: 1,
    data: [
      row(0, "b", "eu", [60, 0, 0]),
      row(0, "b", "us", [30, 0, 30]),
      row(2, "b", "eu", [59, 1, 0]),
      row(0, "a", "eu", [60, 0, 0]),
      row(9, "a", "eu", [60, 0, 0]),
    ],
  };
  const bars = historyOf(history, NOON + 5_000, NOON + 170_000);
  expect([...bars.keys()]).toEqual(["a", "b"]);
  expect(bars.get("b")?.map((bar) => bar.status)).toEqual(["unhealthy", null, "degraded"]);
  expect(bars.get("b")?.[0]?.healthy).toBe(0.75);
  expect(bars.get("a")?.map((bar) => bar.status)).toEqual(["healthy", null, null]);
});
