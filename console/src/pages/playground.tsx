import { useRef, useState } from "preact/hooks";
import { get, post, postStreaming } from "../api/client";
import type { DecisionEvent, Explanation, GatewayInfo, Page } from "../api/types";
import { Card, Empty, Link, Problem, Skeleton } from "../components/basics";
import { readAnswer } from "../lib/answer";
import { millis, words } from "../lib/format";
import { answered, planned, recorded, type Step } from "../lib/steps";
import type { PageProps } from "../pages";
import { may } from "../state/session";
import { useQuery } from "../state/use-query";

const TOOLS = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather in a city",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

interface Outcome {
  status: number;
  headers: [string, string][];
  text: string;
  raw: string;
  error: string | undefined;
}

/** Sends one request through a gateway, and shows the answer beside what happened to it. */
export function Playground({ view, update }: PageProps) {
  const gateways = useQuery("playground", (signal) => get<Page<GatewayInfo>>("/v1/gateways", {}, signal));
  const [outcome, setOutcome] = useState<Outcome>();
  const [event, setEvent] = useState<DecisionEvent>();
  const [steps, setSteps] = useState<Step[]>([]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const running = useRef<AbortController | undefined>(undefined);
  if (!gateways.data) return gateways.error ? <Problem error={gateways.error} /> : <Skeleton />;
  const groups = [...new Set(gateways.data.data.flatMap((gateway) => gateway.policy?.groups ?? []))].sort();
  if (!gateways.data.data.some((gateway) => gateway.state === "live")) {
    return <Empty command="kt gateway run --policy-config policy-config.yaml">No gateway is running. Start one:</Empty>;
  }

  const send = async (submitted: SubmitEvent) => {
    submitted.preventDefault();
    const form = new FormData(submitted.currentTarget as HTMLFormElement);
    const stream = form.get("stream") === "on";
    const group = String(form.get("group"));
    update({ extra: { ...view.extra, group_name: group } }, true);
    const key = String(form.get("key")).trim();
    const system = String(form.get("system")).trim();
    const body = {
      model: group,
      messages: [
        ...(system ? [{ role: "system", content: system }] : []),
        { role: "user", content: String(form.get("user")) },
      ],
      stream,
      ...(form.get("tools") === "on" ? { tools: TOOLS } : {}),
    };
    running.current?.abort();
    const ended = new AbortController();
    running.current = ended;
    setBusy(true);
    setError(undefined);
    setEvent(undefined);
    setOutcome(undefined);
    setSteps([]);
    const gateway = gateways.data?.data.find((one) => one.state === "live" && one.policy?.groups.includes(group));
    if (gateway) {
      const path = `/v1/gateways/${encodeURIComponent(gateway.gateway_id)}/explain`;
      // Where it cannot be told whom the gateway will ask, what was recorded comes at the end all the same.
      const explained = await post<Explanation>(path, { request: body }).catch(() => undefined);
      if (ended.signal.aborted) {
        setBusy(false);
        return;
      }
      setSteps(planned(explained?.plan ?? []));
    }
    let current: Outcome = { status: 0, headers: [], text: "", raw: "", error: undefined };
    try {
      await postStreaming(
        "/v1/playground",
        { request: body, ...(key ? { key } : {}) },
        ended.signal,
        (answer) => {
          const headers = [...answer.headers].filter(([name]) => name.startsWith("x-keeptrusts-"));
          current = { ...current, status: answer.status, headers };
          setOutcome(current);
          const said = (name: string) => answer.headers.get(`x-keeptrusts-${name}`) ?? undefined;
          setSteps((known) => answered(known, said("provider"), said("model")));
        },
        (text) => {
          const raw = current.raw + text;
          current = { ...current, raw, ...readAnswer(raw, stream) };
          setOutcome(current);
        },
      );
      const id = current.headers.find(([name]) => name === "x-keeptrusts-request-id")?.[1];
      const recordedEvent = id ? await eventOf(id, ended.signal) : undefined;
      if (recordedEvent) {
        setEvent(recordedEvent);
        setSteps(recorded(recordedEvent));
      }
    } catch (problem) {
      if (!ended.signal.aborted) setError(problem as Error);
    }
    setBusy(false);
  };

  return (
    <div class="columns">
      <Card title="Request">
        <form onSubmit={send}>
          <label>
            Group
            <select name="group" defaultValue={view.extra.group_name ?? groups[0] ?? ""}>
              {groups.map((group) => (
                <option key={group}>{group}</option>
              ))}
            </select>
          </label>
          <label>
            System
            <textarea name="system" rows={2} />
          </label>
          <label>
            User
            <textarea name="user" rows={5} required defaultValue="What is the capital of France?" />
          </label>
          <label class="check">
            <input type="checkbox" name="stream" defaultChecked /> Stream
          </label>
          <label class="check">
            <input type="checkbox" name="tools" /> With a tool (get_weather)
          </label>
          <label>
            Gateway key (empty where none is required)
            <input name="key" type="password" autocomplete="off" />
          </label>
          <p class="quiet">This is a real request: it costs what the provider charges.</p>
          <div class="buttons">
            <button type="submit" class="primary" disabled={busy || !may("operator")}>
              Send
            </button>
            {busy ? (
              <button type="button" onClick={() => running.current?.abort()}>
                Stop
              </button>
            ) : null}
          </div>
        </form>
      </Card>
      <Card title="Answer">
        <Problem error={error} />
        {outcome ? (
          <div aria-live="polite">
            <p class="statement">
              <span class={outcome.status >= 400 || outcome.error ? "bad" : "good"}>{outcome.status}</span>{" "}
              {outcome.headers
                .filter(([name]) => /-(provider|model|fallback-count)$/.test(name))
                .map(([name, value]) => `${name.replace("x-keeptrusts-", "")} ${value}`)
                .join(" · ")}
            </p>
            {outcome.error ? <p class="problem">{outcome.error}</p> : <pre class="answer">{outcome.text}</pre>}
          </div>
        ) : (
          <p class="quiet">Nothing sent yet.</p>
        )}
        {steps.length ? (
          <>
            <h3>{event ? "What happened" : "What happens"}</h3>
            <ol class="plain" aria-live="polite">
              {steps.map((step, index) => (
                <li key={index} class={MOOD[step.state]}>
                  {step.provider} / {step.model}: {event ? outcomeOf(step) : STATE[step.state]}
                </li>
              ))}
            </ol>
            {event ? <Link to={`/requests/${event.id}`}>The whole event</Link> : null}
          </>
        ) : null}
      </Card>
    </div>
  );
}

const STATE: Record<Step["state"], string> = {
  asked: "is asked",
  planned: "would be next",
  failed: "did not serve",
  serves: "serves",
  spared: "was not needed",
};
const MOOD: Record<Step["state"], string> = {
  asked: "",
  planned: "quiet",
  failed: "bad",
  serves: "good",
  spared: "quiet",
};

function outcomeOf(step: Step): string {
  return `${step.status ?? "no answer"} ${step.reason ? words(step.reason) : "served"} after ${millis(step.latency)}`;
}

/** The event comes with the gateway's next batch: asks again until it is there, ten seconds at most. */
async function eventOf(requestId: string, signal: AbortSignal): Promise<DecisionEvent | undefined> {
  for (let round = 0; round < 20 && !signal.aborted; round++) {
    const found = (await get<Page<DecisionEvent>>("/v1/events", { request_id: requestId, since: "1h" }, signal))
      .data[0];
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return undefined;
}
