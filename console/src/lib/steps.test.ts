import { expect, it } from "vitest";
import { answered, planned, recorded } from "./steps";

const PLAN = ["a", "b", "c"].map((provider) => ({
  provider,
  model: "m",
  timeout_ms: 5_000,
  estimated_cost_usd: null,
}));
const states = (steps: { state: string }[]) => steps.map((step) => step.state);

it("goes from the plan over the answer's head to what was recorded", () => {
  const before = planned(PLAN);
  expect(states(before)).toEqual(["asked", "planned", "planned"]);
  expect(states(answered(before, "b", "m"))).toEqual(["failed", "serves", "spared"]);
  expect(states(answered(before, "b", "mapped"))).toEqual(["failed", "serves", "spared"]);
  expect(states(answered(before, undefined, undefined))).toEqual(["failed", "failed", "failed"]);
  // The gateway may know better than the plan.
  expect(answered(before, "d", "m")).toEqual([{ provider: "d", model: "m", state: "serves" }]);
  const attempts = [
    { provider: "a", model: "m", status_code: 500, reason: "upstream_5xx", latency_ms: 3 },
    { provider: "b", model: null, status_code: 200, reason: null, latency_ms: 8 },
  ];
  expect(states(recorded({ attempts }))).toEqual(["failed", "serves"]);
});
