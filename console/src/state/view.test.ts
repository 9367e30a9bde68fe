import { describe, expect, it } from "vitest";
import { addressOf, asked, askedBefore, bounds, monthOf, readView, step, viewOfMonth } from "./view";

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);

describe("the address", () => {
  it("says all that a colleague needs to see the same", () => {
    for (const address of [
      "/",
      "/health?range=7d&gateway=eu",
      "/requests?live=0&q=provider%3Aopenai",
      "/costs?since=2026-10-01&until=2026-11-01",
    ]) {
      const url = new URL(address, "http://x");
      expect(addressOf(readView(url.pathname, url.search))).toBe(address);
    }
  });

  it("falls back to a day where it makes no sense", () => {
    expect(readView("/health/", "?range=forever")).toMatchObject({ path: "/health", range: "24h" });
    expect(readView("/", "?range=custom")).toMatchObject({ range: "24h" });
  });
});

describe("the question", () => {
  it("leaves relative ranges to the collector's clock", () => {
    expect(asked(readView("/", "?range=7d&group=chat"), NOW)).toEqual({ since: "7d", model_group: "chat" });
    expect(asked(readView("/", "?range=month"), NOW)).toEqual({ since: "2026-11-01T00:00:00Z" });
  });

  it("compares with the period of the same length before", () => {
    expect(askedBefore(readView("/", ""), NOW)).toEqual({
      since: "2026-11-19T12:00:00Z",
      until: "2026-11-20T12:00:00Z",
    });
  });

  it("compares a month with the month before", () => {
    const thisMonth = readView("/costs", "?range=month");
    expect(monthOf(thisMonth, NOW)).toBe("2026-11");
    expect(askedBefore(thisMonth, NOW)).toEqual({ since: "2026-10-01T00:00:00Z", until: "2026-10-21T12:00:00Z" });
    const march = { ...thisMonth, ...viewOfMonth("2026-03", NOW) };
    expect(monthOf(march, NOW)).toBe("2026-03");
    expect(asked(march, NOW)).toEqual({ since: "2026-03-01T00:00:00Z", until: "2026-04-01T00:00:00Z" });
    expect(askedBefore(march, NOW)).toEqual({ since: "2026-02-01T00:00:00Z", until: "2026-03-01T00:00:00Z" });
    // February is shorter than the part of March that has passed.
    expect(askedBefore(thisMonth, Date.UTC(2026, 2, 31))).toMatchObject({ until: "2026-03-01T00:00:00Z" });
    expect(viewOfMonth("2026-11", NOW).range).toBe("month");
    expect(monthOf(readView("/", "?range=7d"), NOW)).toBe("");
  });

  it("draws as finely as the range allows", () => {
    expect(step(readView("/", "?range=1h"), NOW).dimension).toBe("minute");
    expect(step(readView("/", "?range=7d"), NOW).dimension).toBe("hour");
    expect(step(readView("/", "?range=30d"), NOW).dimension).toBe("day");
    expect(bounds(readView("/", "?since=2026-11-01T00:00:00Z&until=2026-11-02T00:00:00Z"), NOW)).toEqual({
      from: Date.UTC(2026, 10, 1),
      to: Date.UTC(2026, 10, 2),
    });
  });
});
