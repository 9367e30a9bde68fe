// A request of the playground as it goes: who is to be asked, who has been, and who answers.

import type { DecisionEvent, Explanation } from "../api/types";

export interface Step {
  provider: string;
  model: string;
  state: "planned" | "asked" | "failed" | "serves" | "spared";
  /** Why it failed, once that is known. */
  reason?: string | null;
  status?: number | null;
  /** Milliseconds, once they are known. */
  latency?: number | null;
}

/** The plan, before anything is known: the first is asked. */
export function planned(plan: Explanation["plan"]): Step[] {
  return plan.map(({ provider, model }, index) => ({ provider, model, state: index === 0 ? "asked" : "planned" }));
}

/** What the head of the answer tells: who serves; whoever stood before has failed. Without `provider` nobody does. */
export function answered(steps: Step[], provider: string | undefined, model: string | undefined): Step[] {
  if (!provider) return steps.map((step) => ({ ...step, state: "failed" }));
  const exact = steps.findIndex((step) => step.provider === provider && step.model === model);
  const found = exact >= 0 ? exact : steps.findIndex((step) => step.provider === provider);
  if (found < 0) return [{ provider, model: model ?? "?", state: "serves" }];
  return steps.map((step, index) => ({
    ...step,
    state: index < found ? "failed" : index === found ? "serves" : "spared",
  }));
}

/** What the event tells in the end. */
export function recorded(event: Pick<DecisionEvent, "attempts">): Step[] {
  return event.attempts.map((attempt) => ({
    provider: attempt.provider,
    model: attempt.model ?? "?",
    state: attempt.reason ? "failed" : "serves",
    reason: attempt.reason,
    status: attempt.status_code,
    latency: attempt.latency_ms,
  }));
}
