import { expect, it } from "vitest";
import { timelineOf } from "./timeline";

const attempt = (provider: string, reason: string | null, latency_ms: number) => ({
  provider,
  model: "m",
  status_code: reason ? 500 : 200,
  reason,
  latency_ms,
});

it("puts attempts behind one another, and tells waiting from streaming", () => {
  const [failed, served] = timelineOf({
    attempts: [attempt("openai", "upstream_timeout", 1000), attempt("azure", null, 3000)],
    latency_ms: 4000,
    time_to_first_token_ms: 2000,
  });
  expect(failed).toMatchObject({ served: false, left: 0, waited: 25, streamed: 0 });
  expect(served).toMatchObject({ served: true, left: 25, waited: 25, streamed: 50 });
});

it("copes with attempts without a time", () => {
  expect(
    timelineOf({
      attempts: [{ ...attempt("a", null, 0), latency_ms: null }],
      latency_ms: null,
      time_to_first_token_ms: null,
    }),
  ).toMatchObject([{ left: 0, waited: 0, streamed: 0 }]);
});
