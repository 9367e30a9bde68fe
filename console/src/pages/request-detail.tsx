import { useState } from "preact/hooks";
import { get, post } from "../api/client";
import type { DecisionEvent, Feedback, Page } from "../api/types";
import { Card, Copy, Link, Moment, Problem, Skeleton } from "../components/basics";
import { count, millis, percent, usd, words } from "../lib/format";
import { headersOf } from "../lib/headers";
import { timelineOf } from "../lib/timeline";
import { may } from "../state/session";
import { useQuery } from "../state/use-query";

/** One request: its attempts as a timeline, who was left out and why, tokens, cost, policies, ids. */
export function RequestDetail({ id }: { id: string }) {
  const query = useQuery(`request ${id}`, (signal) =>
    get<DecisionEvent>(`/v1/events/${encodeURIComponent(id)}`, {}, signal),
  );
  const event = query.data;
  if (!event) return query.error ? <Problem error={query.error} /> : <Skeleton lines={8} />;
  const tokens = event.tokens;
  return (
    <>
      <p>
        <Link to="/requests">All requests</Link>
      </p>
      <p class="statement">
        <Moment at={event.timestamp} /> · <strong>{event.model_group ?? event.model ?? "no model"}</strong>
        {event.provider ? ` → ${event.provider} / ${event.resolved_model ?? "?"}` : " → nobody"} ·{" "}
        <span class={event.status_code >= 400 || event.error_code ? "bad" : "good"}>
          {event.status_code || "client gone"} {words(event.error_code)}
        </span>{" "}
        · {millis(event.latency_ms)}
        {event.simulated ? " · simulated" : ""}
      </p>
      <Card title="Attempts">
        {event.attempts.length ? <Timeline event={event} /> : <p class="quiet">No provider was asked.</p>}
        {event.passed_over?.length ? (
          <>
            <h3>Left out of the plan</h3>
            <ul class="plain">
              {event.passed_over.map((one) => (
                <li key={one.provider}>
                  <strong>{one.provider}</strong> {words(one.reason)}
                </li>
              ))}
            </ul>
          </>
        ) : null}
        {event.model ? (
          <p>
            <Link to={`/policy/${encodeURIComponent(event.gateway_id)}?model=${encodeURIComponent(event.model)}`}>
              Explain again
            </Link>{" "}
            <span class="quiet">what the gateway would do now</span>
          </p>
        ) : null}
      </Card>
      <div class="columns">
        <Card title="Tokens and cost">
          <dl class="pairs">
            <dt>Prompt</dt>
            <dd>{count(tokens?.prompt)}</dd>
            <dt>From the provider's cache</dt>
            <dd>{count(tokens?.cached)}</dd>
            <dt>Completion</dt>
            <dd>{count(tokens?.completion)}</dd>
            <dt>Total</dt>
            <dd>
              {count(tokens?.total)} {tokens?.estimated ? <span class="quiet">estimated</span> : null}
            </dd>
            <dt>Estimated cost</dt>
            <dd>{usd(event.estimated_cost_usd)}</dd>
            <dt>Cost</dt>
            <dd>{tokens ? usd(event.actual_cost_usd) : "–"}</dd>
          </dl>
        </Card>
        <Card title="Decision">
          <dl class="pairs">
            <dt>Decision</dt>
            <dd>{event.decision}</dd>
            <dt>Strategy</dt>
            <dd>{event.strategy ?? "–"}</dd>
            <dt>Tag</dt>
            <dd>{event.tag ?? "–"}</dd>
            <dt>Stream</dt>
            <dd>{event.stream ? `yes, first token after ${millis(event.time_to_first_token_ms)}` : "no"}</dd>
            <dt>Key</dt>
            <dd>{event.key_name ?? "–"}</dd>
            {event.team ? (
              <>
                <dt>Team</dt>
                <dd>{event.team}</dd>
              </>
            ) : null}
            {event.user ? (
              <>
                <dt>User</dt>
                <dd>{event.user}</dd>
              </>
            ) : null}
            {event.policies_evaluated.map((policy) => (
              <>
                <dt>{policy.name}</dt>
                <dd>{policy.result}</dd>
              </>
            ))}
          </dl>
        </Card>
      </div>
      <FeedbackCard id={id} />
      <Card title="Headers of the answer">
        {event.status_code ? (
          <dl class="pairs">
            {headersOf(event).map(([name, value]) => (
              <>
                <dt>
                  <code>{name}</code>
                </dt>
                <dd>
                  <code>{value}</code>
                </dd>
              </>
            ))}
          </dl>
        ) : (
          <p class="quiet">The client left before an answer.</p>
        )}
      </Card>
      <Card title="Ids">
        <dl class="pairs">
          <dt>Event</dt>
          <dd>
            <Copy text={event.id} />
          </dd>
          <dt>Request (x-keeptrusts-request-id)</dt>
          <dd>
            <Copy text={event.request_id} />
          </dd>
          {event.client_request_id ? (
            <>
              <dt>The client's own</dt>
              <dd>
                <Copy text={event.client_request_id} />
              </dd>
            </>
          ) : null}
          {event.conversation_id ? (
            <>
              <dt>Conversation</dt>
              <dd>
                <Copy text={event.conversation_id} />
              </dd>
            </>
          ) : null}
          <dt>Gateway</dt>
          <dd>
            <Link to={`/gateways/${encodeURIComponent(event.gateway_id)}`}>{event.gateway_id}</Link>, policy{" "}
            <code>{event.config_version}</code>
          </dd>
        </dl>
      </Card>
      <details class="card">
        <summary>The event as it was delivered</summary>
        <pre>{JSON.stringify(event, null, 2)}</pre>
      </details>
    </>
  );
}

function FeedbackCard({ id }: { id: string }) {
  const path = `/v1/events/${encodeURIComponent(id)}/feedback`;
  const query = useQuery(`feedback ${id}`, (signal) => get<Page<Feedback>>(path, {}, signal));
  const [error, setError] = useState<Error>();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const data = new FormData(form);
    const label = String(data.get("label")).trim();
    post(path, { score: Number(data.get("score")) / 100, ...(label ? { label } : {}) }).then(() => {
      setError(undefined);
      form.reset();
      query.reload();
    }, setError);
  };
  return (
    <Card title="Feedback">
      <Problem error={query.error} />
      {query.data?.data.length ? (
        <dl class="pairs">
          {query.data.data.map((one) => (
            <>
              <dt>{one.label ?? "without a label"}</dt>
              <dd>
                {percent(one.score)}{" "}
                <span class="quiet">
                  <Moment at={one.given_at_ms} />
                </span>
              </dd>
            </>
          ))}
        </dl>
      ) : (
        <p class="quiet">Nobody has said how good this answer was.</p>
      )}
      {may("operator") ? (
        <form class="inline" onSubmit={submit}>
          <label>
            Score, 0 to 100 <input name="score" type="number" min="0" max="100" step="any" required />
          </label>
          <label>
            Label <input name="label" maxLength={200} autocomplete="off" />
          </label>
          <button type="submit">Give feedback</button>
        </form>
      ) : null}
      <Problem error={error} />
    </Card>
  );
}

function Timeline({ event }: { event: DecisionEvent }) {
  const bars = timelineOf(event);
  return (
    <ol class="timeline">
      {bars.map((bar) => (
        <li key={bar.index}>
          <span>
            <strong>{bar.attempt.provider}</strong> / {bar.attempt.model ?? "?"}
          </span>
          <span class="track" aria-hidden="true">
            <span class={bar.served ? "waited" : "failed"} style={{ left: `${bar.left}%`, width: `${bar.waited}%` }} />
            {bar.streamed > 0 ? (
              <span class="streamed" style={{ left: `${bar.left + bar.waited}%`, width: `${bar.streamed}%` }} />
            ) : null}
          </span>
          <span class={bar.served ? "good" : "bad"}>
            {bar.attempt.status_code ?? "no answer"}, {bar.served ? "served" : words(bar.attempt.reason)} after{" "}
            {millis(bar.attempt.latency_ms)}
          </span>
        </li>
      ))}
    </ol>
  );
}
