import { useState } from "preact/hooks";
import { post } from "../api/client";
import type { Explanation } from "../api/types";
import { usd, words } from "../lib/format";
import { Card, Copy, Problem } from "./basics";

/** Asks what a gateway would do with a request, without sending it: its plan, and who is left out and why. */
export function ExplainCard({ gateway, groups, group }: { gateway: string; groups: string[]; group: string }) {
  const [explained, setExplained] = useState<Explanation>();
  const [error, setError] = useState<Error>();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const request = {
      model: String(form.get("model")).trim(),
      messages: [{ role: "user", content: String(form.get("user")) }],
      stream: form.get("stream") === "on",
    };
    post<Explanation>(`/v1/gateways/${encodeURIComponent(gateway)}/explain`, { request }).then(
      (answer) => {
        setExplained(answer);
        setError(undefined);
      },
      (problem) => {
        setExplained(undefined);
        setError(problem);
      },
    );
  };
  return (
    <Card title="What would a request do?">
      <form class="inline" onSubmit={submit}>
        <label>
          Group or model{" "}
          <input name="model" list="groups" required autocomplete="off" defaultValue={group || groups[0] || ""} />
          <datalist id="groups">
            {groups.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </label>
        <label>
          Message <input name="user" defaultValue="What is the capital of France?" />
        </label>
        <label class="check">
          <input type="checkbox" name="stream" /> Stream
        </label>
        <button type="submit" class="primary">
          Explain
        </button>
      </form>
      <Problem error={error} />
      {explained ? <Explained of={explained} /> : <p class="quiet">Nothing is sent: this costs nothing.</p>}
      <p class="quiet">The same for any request, with headers and assumed health:</p>
      <Copy text="kt policy explain --policy-config policy-config.yaml --request request.json" />
    </Card>
  );
}

function Explained({ of }: { of: Explanation }) {
  const left = of.members.filter((member) => member.position === null);
  return (
    <div aria-live="polite" class="explained">
      {of.refusal ? (
        <p class="problem">
          It would be refused with {of.refusal.status} {words(of.refusal.code)}: {of.refusal.message}
        </p>
      ) : (
        <>
          <h3>Plan{of.model_group ? ` of ${of.model_group}` : ""}</h3>
          <ol class="steps">
            {of.plan.map((step) => (
              <li key={`${step.provider} ${step.model}`}>
                <strong>{step.provider}</strong> / {step.model}{" "}
                <span class="quiet">
                  {step.timeout_ms} ms,{" "}
                  {step.estimated_cost_usd === null ? "price unknown" : `about ${usd(step.estimated_cost_usd)}`}
                </span>
              </li>
            ))}
          </ol>
          {of.why ? <p>{of.why}</p> : null}
          {of.fail_open ? <p class="warn">Nobody is healthy: the least bad is asked all the same.</p> : null}
        </>
      )}
      {left.length ? (
        <>
          <h3>Left out</h3>
          <ul class="plain">
            {left.map((member) => (
              <li key={`${member.provider} ${member.model}`}>
                <strong>{member.provider}</strong> / {member.model}{" "}
                <span class="quiet">{words(member.reason) || "not needed"}</span>
              </li>
            ))}
          </ul>
        </>
      ) : null}
      {of.notes.map((note) => (
        <p class="quiet" key={note}>
          {note}
        </p>
      ))}
    </div>
  );
}
