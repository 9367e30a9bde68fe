import { expect, it } from "vitest";
import { csvOf } from "./csv";

it("quotes what needs it and disarms formulas", () => {
  expect(
    csvOf(
      ["provider", "cost"],
      [
        { provider: 'a "b", c', cost: 1.5 },
        { provider: "=1+1", cost: null },
        { provider: null, cost: -2 },
      ],
    ),
  ).toBe('provider,cost\r\n"a ""b"", c",1.5\r\n\'=1+1,\r\n,-2');
});
