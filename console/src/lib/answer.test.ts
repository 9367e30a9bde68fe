import { expect, it } from "vitest";
import { readAnswer } from "./answer";

const chunk = (delta: object) => `data: ${JSON.stringify({ choices: [{ delta }] })}\n\n`;

it("reads a whole answer and a whole error", () => {
  expect(readAnswer('{"choices":[{"message":{"content":"Paris."}}]}', false).text).toBe("Paris.");
  expect(readAnswer('{"error":{"message":"no such group"}}', true).error).toBe("no such group");
});

it("reads a stream wherever it is cut", () => {
  const stream =
    chunk({ role: "assistant", content: "" }) +
    chunk({ content: "Par" }) +
    chunk({ content: "is." }) +
    "data: [DONE]\n\n";
  const texts = Array.from(stream, (_, end) => readAnswer(stream.slice(0, end), true).text);
  expect([...new Set(texts)]).toEqual(["", "Par", "Paris."]);
  expect(readAnswer(`${chunk({ content: "a" })}data: {"error":{"message":"broke"}}\n\n`, true)).toEqual({
    text: "a",
    error: "broke",
  });
});

it("shows tool calls", () => {
  const stream =
    chunk({ tool_calls: [{ function: { name: "get_weather", arguments: "" } }] }) +
    chunk({ tool_calls: [{ function: { arguments: '{"city":"Bonn"}' } }] });
  expect(readAnswer(stream, true).text).toBe('\n→ get_weather {"city":"Bonn"}');
});
