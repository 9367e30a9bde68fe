import { describe, expect, it } from "vitest";
import { change, compact, count, duration, millis, NONE, percent, UNKNOWN, usd, words } from "./format";

const space = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");

describe("numbers", () => {
  it("separate thousands as the reader's language does", () => {
    expect(count(1234567, "en")).toBe("1,234,567");
    expect(count(1234567, "de")).toBe("1.234.567");
    expect(compact(9_999, "en")).toBe("9,999");
    expect(compact(1_234_567, "en")).toBe("1.2M");
  });

  it("never show a missing value as zero", () => {
    for (const format of [count, compact, percent, millis, duration]) expect(format(null)).toBe(NONE);
    expect(usd(null)).toBe(UNKNOWN);
    expect(usd(undefined)).toBe(UNKNOWN);
  });

  it("keep what matters of shares near 0 and 1", () => {
    expect(space(percent(0.0042, "en"))).toBe("0.42%");
    expect(space(percent(0.9987, "en"))).toBe("99.87%");
    expect(space(percent(0.123, "de"))).toBe("12,3 %");
    expect(percent(1, "en")).toBe("100%");
  });

  it("show money to the cent above a dollar and three digits below", () => {
    expect(usd(1234.5, "en")).toBe("$1,234.50");
    expect(usd(0.012345, "en")).toBe("$0.0123");
    expect(usd(0.0000725, "en")).toBe("$0.0000725");
    expect(usd(0, "en")).toBe("$0.00");
    expect(space(usd(12.5, "de"))).toBe("12,50 $");
  });

  it("choose the unit of times", () => {
    expect(millis(8.25, "en")).toBe("8.3 ms");
    expect(millis(1500, "en")).toBe("1,500 ms");
    expect(millis(12_340, "en")).toBe("12.3 s");
    expect(millis(150_000, "en")).toBe("2.5 min");
    expect(duration(0)).toBe("0 s");
    expect(duration(59)).toBe("59 s");
    expect(duration(3_660)).toBe("1 h 1 min");
    expect(duration(3_605)).toBe("1 h");
    expect(duration(90_000)).toBe("1 d 1 h");
  });
});

it("compares with the period before only where there was one", () => {
  expect(change(110, 100)).toBeCloseTo(0.1);
  expect(change(5, 0)).toBeNull();
  expect(change(null, 5)).toBeNull();
});

it("turns codes into words", () => {
  expect(words("upstream_rate_limited")).toBe("rate limited");
  expect(words(null)).toBe("");
});
