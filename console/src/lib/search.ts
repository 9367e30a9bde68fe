// The search line of the requests page: `provider:openai status:502 failover:true since:2h free text`.

import type { Parameters } from "../api/client";

/** Short names that people type, and the collector's fields. */
const ALIASES: Record<string, string> = {
  status: "status_code",
  group: "model_group",
  key: "key_name",
  gateway: "gateway_id",
  served: "resolved_model",
  reason: "failover.reason",
  attempt: "attempts.provider",
  policy: "policies_evaluated.name",
  conversation: "conversation_id",
  code: "error_code",
};

/** The collector's parameters for a search line. A word without a colon is the id of an event or a request; values with spaces stand in quotes. */
export function parseSearch(line: string): Parameters {
  const parameters: Parameters = {};
  const free: string[] = [];
  for (const match of line.matchAll(/(?:([\w.]+):)?(?:"([^"]*)"|(\S+))/g)) {
    const [, name, quoted, bare] = match;
    const value = quoted ?? bare ?? "";
    if (name) parameters[ALIASES[name] ?? name] = value;
    else free.push(value);
  }
  const [id] = free;
  if (id) parameters[id.startsWith("evt_") ? "id" : "request_id"] = id;
  return parameters;
}

/** The line with one more condition, or with another value of one that is there. */
export function withCondition(line: string, name: string, value: string): string {
  const text = /\s/.test(value) ? `${name}:"${value}"` : `${name}:${value}`;
  const rest = line.replace(new RegExp(`(^|\\s)${name.replaceAll(".", "\\.")}:(?:"[^"]*"|\\S+)`, "g"), "").trim();
  return rest ? `${rest} ${text}` : text;
}
