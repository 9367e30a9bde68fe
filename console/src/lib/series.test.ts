import { expect, it } from "vitest";
import { seriesOf, stacked } from "./series";

const bounds = { from: Date.UTC(2026, 10, 21, 10), to: Date.UTC(2026, 10, 21, 13) };

it("has a step for each hour, also for those without requests", () => {
  const rows = [
    { hour: "2026-11-21T10:00:00Z", provider: "openai", request_count: 3 },
    { hour: "2026-11-21T12:00:00Z", provider: "openai", request_count: 1 },
    { hour: "2026-11-21T12:00:00Z", provider: null, request_count: 2 },
  ];
  const series = seriesOf(rows, "hour", "request_count", bounds, "provider", 0);
  expect(series.times).toHaveLength(3);
  expect(series.columns.get("openai")).toEqual([3, 0, 1]);
  expect(series.columns.get("none")).toEqual([0, 0, 2]);
  expect(seriesOf(rows.slice(0, 1), "hour", "latency_p50", bounds).columns.get("latency_p50")).toEqual([
    null,
    null,
    null,
  ]);
});

it("stacks columns", () => {
  expect(
    stacked([
      [1, null, 2],
      [3, 4, null],
    ]),
  ).toEqual([
    [1, 0, 2],
    [4, 4, 2],
  ]);
});
