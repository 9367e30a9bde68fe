import { expect, it } from "vitest";
import { parseSearch, withCondition } from "./search";

it("reads conditions, short names, quotes and free text", () => {
  expect(parseSearch('provider:openai status:502 failover:true key:"my key" since:2h 5f0c2a6e')).toEqual({
    provider: "openai",
    status_code: "502",
    failover: "true",
    key_name: "my key",
    since: "2h",
    request_id: "5f0c2a6e",
  });
  expect(parseSearch("evt_018bcfe5680000000000000000000007")).toEqual({ id: "evt_018bcfe5680000000000000000000007" });
  expect(parseSearch("  ")).toEqual({});
});

it("adds a condition once", () => {
  expect(withCondition("", "provider", "openai")).toBe("provider:openai");
  expect(withCondition("provider:azure status:500", "provider", "open ai")).toBe('status:500 provider:"open ai"');
});
