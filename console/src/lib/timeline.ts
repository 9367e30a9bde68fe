// The attempts of a request on one time axis.

import type { Attempt, DecisionEvent } from "../api/types";

export interface Bar {
  index: number;
  attempt: Attempt;
  served: boolean;
  /** Percent of the whole: where it begins, how long nothing came, how long content came. */
  left: number;
  waited: number;
  streamed: number;
}

/** Bars in percent of the longest way through all attempts. They follow one another; hedged ones are drawn so too. */
export function timelineOf(event: Pick<DecisionEvent, "attempts" | "latency_ms" | "time_to_first_token_ms">): Bar[] {
  const sum = event.attempts.reduce((total, attempt) => total + (attempt.latency_ms ?? 0), 0);
  const whole = Math.max(sum, event.latency_ms ?? 0, 1);
  let begin = 0;
  return event.attempts.map((attempt, index) => {
    const length = attempt.latency_ms ?? 0;
    const served = attempt.reason === null;
    const first =
      attempt.time_to_first_token_ms ??
      (served && event.time_to_first_token_ms !== null ? event.time_to_first_token_ms - begin : null);
    const waited = first === null ? length : Math.min(length, Math.max(0, first));
    const bar = {
      index,
      attempt,
      served,
      left: (begin / whole) * 100,
      waited: (waited / whole) * 100,
      streamed: ((length - waited) / whole) * 100,
    };
    begin += length;
    return bar;
  });
}
