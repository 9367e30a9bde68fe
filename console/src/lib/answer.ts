// The text of a Chat Completions answer, whole or as far as its stream has come.

interface Delta {
  content?: string | null;
  tool_calls?: { function?: { name?: string; arguments?: string } }[];
}

function textOf(part: Delta | undefined): string {
  const calls =
    part?.tool_calls?.map(
      (call) => `${call.function?.name ? `\n→ ${call.function.name} ` : ""}${call.function?.arguments ?? ""}`,
    ) ?? [];
  return (part?.content ?? "") + calls.join("");
}

/** Text to show, and the error's message where there is one. `raw` may end in the middle of an event. */
export function readAnswer(raw: string, stream: boolean): { text: string; error: string | undefined } {
  if (!stream || raw.trimStart().startsWith("{")) {
    try {
      const json = JSON.parse(raw);
      return { text: textOf(json.choices?.[0]?.message), error: json.error?.message };
    } catch {
      return { text: raw, error: undefined };
    }
  }
  let text = "";
  let error: string | undefined;
  for (const event of raw.split(/\r?\n\r?\n/)) {
    const data = event
      .split(/\r?\n/)
      .filter((line) => line.startsWith("data:"))
      .map((line) => line.slice(5).trimStart())
      .join("\n");
    if (!data || data === "[DONE]") continue;
    try {
      const json = JSON.parse(data);
      text += textOf(json.choices?.[0]?.delta);
      if (json.error) error = json.error.message;
    } catch {
      // The last event is not complete yet.
    }
  }
  return { text, error };
}
