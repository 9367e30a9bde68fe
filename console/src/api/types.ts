// What the collector answers. Fields are optional where older collectors or other events leave them out.

/** A page of a list. */
export interface Page<T> {
  data: T[];
  next_cursor?: string | null;
}

export interface Tokens {
  prompt: number;
  completion: number;
  cached?: number;
  cache_written?: number;
  total: number;
  estimated?: boolean;
}

export interface Attempt {
  provider: string;
  model: string | null;
  status_code: number | null;
  /** Why it failed; null for the attempt that served. */
  reason: string | null;
  latency_ms: number | null;
  time_to_first_token_ms?: number | null;
}

export interface SkippedTarget {
  provider: string;
  reason: string;
}

export interface DecisionEvent {
  event_type: string;
  id: string;
  timestamp: string;
  request_id: string;
  client_request_id?: string | null;
  decision: "allowed" | "blocked" | "flagged";
  endpoint?: string | null;
  model: string | null;
  model_group: string | null;
  resolved_model: string | null;
  provider: string | null;
  vendor: string | null;
  tag: string | null;
  region: string | null;
  strategy: string | null;
  stream: boolean;
  status_code: number;
  error_code?: string | null;
  client_gone?: boolean;
  latency_ms: number | null;
  upstream_latency_ms: number | null;
  time_to_first_token_ms: number | null;
  tokens: Tokens | null;
  estimated_cost_usd: number | null;
  actual_cost_usd: number | null;
  fallback_count: number;
  failover: { triggered: boolean; original_provider: string | null; reason: string | null };
  attempts: Attempt[];
  passed_over?: SkippedTarget[];
  policies_evaluated: { name: string; result: string }[];
  key_name: string | null;
  user?: string | null;
  team?: string | null;
  conversation_id: string | null;
  config_version: string;
  gateway_id: string;
  instance_id: string;
  simulated?: boolean;
  truncated?: string[];
  request_body?: string;
  response_body?: string;
  feedback?: { score: number; label?: string | null } | null;
}

export interface HealthChange {
  id: string;
  timestamp: string;
  provider: string;
  gateway_id: string;
  from: HealthStatus;
  to: HealthStatus;
  reason: string | null;
}

export type HealthStatus = "healthy" | "degraded" | "unhealthy";

/** What somebody may do; each also what the ones before may. */
export type Role = "viewer" | "operator" | "admin";

export interface Session {
  role: Role;
  /** As the OpenID provider names them; null with the API token. */
  name: string | null;
}

/** How long a provider was in which state, as one gateway saw it. */
export interface HealthStep {
  /** Begin of the step. */
  time: string;
  gateway_id: string;
  provider: string;
  healthy_seconds: number;
  degraded_seconds: number;
  unhealthy_seconds: number;
}

export interface HealthHistory {
  step_minutes: number;
  data: HealthStep[];
}

/** The plan for a request that is not sent, as `kt policy explain --json` prints it. */
export interface Explanation {
  model_group: string | null;
  strategy: Record<string, unknown>;
  plan: { provider: string; model: string; timeout_ms: number; estimated_cost_usd: number | null }[];
  why: string | null;
  fail_open: boolean;
  refusal: { status: number; code: string; message: string } | null;
  members: {
    provider: string;
    model: string;
    model_group: string | null;
    position: number | null;
    reason: string | null;
    weight: number | null;
    tag: string | null;
  }[];
  notes: string[];
}

/** A row of numbers: names of dimensions have text, names of metrics have numbers, null where there is nothing to say. */
export type Row = Record<string, string | number | null>;

export interface GatewayInfo {
  gateway_id: string;
  instance_id: string;
  version: string | null;
  envoy_version?: string | null;
  config_version: string | null;
  started_at_ms?: number | null;
  uptime_seconds: number | null;
  last_seen_ms: number;
  silent_seconds: number;
  state: "live" | "silent";
  requests_per_second: number | null;
  requests_total?: number | null;
  events_pending?: number | null;
  events_dropped?: number | null;
  policy?: { name: string | null; groups: string[]; targets: string[] } | null;
  providers: Record<HealthStatus, number>;
}

export interface ProviderState {
  id: string;
  vendor: string | null;
  status: HealthStatus;
  breaker: "closed" | "open" | "half_open" | "rate_limited" | "no_credential";
  reason: string | null;
  consecutive_failures: number;
  retry_at_ms: number | null;
  last_check_ms: number | null;
  probe_latency_ms: number | null;
}

export type Panel = "availability" | "latency" | "error_rate" | "rate_limiting" | "cost_efficiency";

export interface Threshold {
  panel: Panel;
  provider: string | null;
  value: number;
  default: number;
  unit: "ratio" | "ms" | "per_minute" | "x_baseline";
  window_seconds: number;
}

export interface Alert {
  id: string;
  panel: Panel;
  provider: string;
  value: number;
  threshold: number;
  since_ms: number;
  ended_ms: number | null;
}

export interface Budget {
  id: string;
  provider: string;
  limit_usd: number;
  spent_usd: number;
  period: "daily" | "weekly" | "monthly";
  period_start_ms: number;
  period_end_ms: number;
}

export interface GatewayKey {
  id: string;
  name: string;
  team?: string;
  models: string[] | null;
  created_at_ms: number;
  expires_at_ms: number | null;
  revoked_at_ms?: number | null;
  requests_per_minute: number | null;
  prefix?: string;
  limit: { limit_usd: number; period: string } | null;
  spent_usd?: number | null;
  state?: "active" | "expired" | "revoked" | "unreadable";
  last_used_ms?: number | null;
  rotated_at_ms?: number;
  /** Until when the key that it was before opens as well. */
  former_until_ms?: number;
}

export interface CreatedKey extends GatewayKey {
  /** Shown once. */
  key: string;
}

export interface Webhook {
  id: string;
  url: string;
  format: "generic" | "slack" | "pagerduty" | "alertmanager";
  event_types: string[];
  created_at_ms: number;
  last_delivery?: { at_ms: number; state: DeliveryState; status: number | null; error: string | null };
}

export interface CreatedWebhook extends Webhook {
  secret: string;
}

export type DeliveryState = "waiting" | "delivered" | "given_up";

export interface Delivery {
  id: string;
  event_type: string;
  made_at_ms: number;
  state: DeliveryState;
  tries: number;
  last_try_ms: number | null;
  next_try_ms: number | null;
  status: number | null;
  error: string | null;
  answer: string | null;
  message: unknown;
}

/** A number with its 95 % confidence interval. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

export interface Arm {
  name: string;
  requests: number;
  error_rate: Estimate;
  latency_mean_ms: Estimate | null;
  latency_p50_ms: number | null;
  latency_p99_ms: number | null;
  input_tokens: number;
  output_tokens: number;
  total_cost_usd: number | null;
  cost_per_request_usd: Estimate | null;
  /** US dollars for a million tokens of requests whose cost is known. */
  cost_per_1m_tokens_usd: number | null;
  quality_score: Estimate | null;
  /** Requests that have feedback. */
  feedback: number;
}

export interface Feedback {
  score: number;
  label: string | null;
  given_at_ms: number;
}

export interface Comparison {
  by: string[];
  arms: Arm[];
  differences: {
    arm: string;
    baseline: string;
    measure: "error_rate" | "latency" | "cost_per_request" | "quality_score";
    difference: Estimate;
    proved: boolean;
  }[];
  verdict: string;
}
