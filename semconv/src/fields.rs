//! The one table of the fields of events: what they are, and what OpenTelemetry calls them.
//!
//! Spans and logs take their attributes from it, the JSON Schema of events its types, and the table in `docs/events.md` is
//! held against it.

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// Text.
    Text,
    /// A whole number, not negative.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Flag,
    /// RFC 3339.
    Time,
    /// Members with rows of their own.
    Object,
    /// A list of objects, whose members have rows of their own.
    List,
    /// A list of texts.
    Texts,
}

/// Which events have the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Always there, and never `null`.
    Always,
    /// Always there; `null` where it says nothing.
    Nullable,
    /// Left out where it says nothing.
    Optional,
}

/// One field of a decision event.
#[derive(Debug, Clone, Copy)]
pub struct EventField {
    /// Name in JSON; members of objects have a dot.
    pub path: &'static str,
    /// Its values.
    pub kind: FieldType,
    /// When it is there.
    pub presence: Presence,
    /// OpenTelemetry's attribute on the request's span and log record; on the attempt's span for members of `attempts`.
    /// `None`: the span has it in its own way (times, ids, status), or has other attributes for it.
    pub attribute: Option<&'static str>,
}

macro_rules! rows {
    ($($path:literal $kind:ident $presence:ident $attribute:expr;)+) => {
        &[$(EventField { path: $path, kind: FieldType::$kind, presence: Presence::$presence, attribute: $attribute }),+]
    };
}

/// Fields of decision events.
pub static DECISION: &[EventField] = rows! {
    "event_type" Text Always Some("keeptrusts.event_type");
    "id" Text Always Some("keeptrusts.event_id");
    "timestamp" Time Always None;
    "request_id" Text Always Some("keeptrusts.request_id");
    "decision" Text Always Some("keeptrusts.decision");
    "model" Text Always Some("gen_ai.request.model");
    "model_group" Text Nullable Some("keeptrusts.model_group");
    "resolved_model" Text Nullable Some("gen_ai.response.model");
    "provider" Text Nullable Some("keeptrusts.provider");
    "vendor" Text Nullable Some("gen_ai.provider.name");
    "tag" Text Nullable Some("keeptrusts.tag");
    "region" Text Nullable Some("keeptrusts.region");
    "strategy" Text Nullable Some("keeptrusts.strategy");
    "similarity" Number Optional Some("keeptrusts.similarity");
    "endpoint" Text Optional Some("url.path");
    "stream" Flag Always Some("gen_ai.request.stream");
    "status_code" Integer Always Some("http.response.status_code");
    "error_code" Text Optional Some("error.type");
    "client_gone" Flag Optional Some("keeptrusts.client_gone");
    "latency_ms" Integer Always None;
    "upstream_latency_ms" Integer Nullable Some("keeptrusts.upstream_latency_ms");
    "time_to_first_token_ms" Integer Nullable Some("gen_ai.response.time_to_first_chunk");
    "finish_reason" Text Optional Some("gen_ai.response.finish_reasons");
    "tokens" Object Nullable None;
    "tokens.prompt" Integer Always Some("gen_ai.usage.input_tokens");
    "tokens.completion" Integer Always Some("gen_ai.usage.output_tokens");
    "tokens.cached" Integer Always Some("gen_ai.usage.cache_read.input_tokens");
    "tokens.cache_written" Integer Optional Some("gen_ai.usage.cache_creation.input_tokens");
    "tokens.reasoning" Integer Optional Some("gen_ai.usage.reasoning.output_tokens");
    "tokens.total" Integer Always None;
    "tokens.estimated" Flag Optional Some("keeptrusts.usage.estimated");
    "estimated_cost_usd" Number Nullable Some("keeptrusts.cost.estimated_usd");
    "actual_cost_usd" Number Nullable Some("keeptrusts.cost.usd");
    "fallback_count" Integer Always Some("keeptrusts.fallback_count");
    "failover" Object Always None;
    "failover.triggered" Flag Always Some("keeptrusts.failover.triggered");
    "failover.original_provider" Text Nullable Some("keeptrusts.failover.original_provider");
    "failover.reason" Text Nullable Some("keeptrusts.failover.reason");
    "attempts" List Always None;
    "attempts.provider" Text Always Some("keeptrusts.provider");
    "attempts.model" Text Always Some("gen_ai.request.model");
    "attempts.status_code" Integer Nullable Some("http.response.status_code");
    "attempts.reason" Text Nullable Some("error.type");
    "attempts.latency_ms" Integer Always None;
    "attempts.started_after_ms" Integer Optional None;
    "attempts.span_id" Text Optional None;
    "passed_over" List Optional Some("keeptrusts.passed_over");
    "passed_over.provider" Text Always None;
    "passed_over.reason" Text Always None;
    "policies_evaluated" List Always Some("keeptrusts.policies");
    "policies_evaluated.name" Text Always None;
    "policies_evaluated.result" Text Always None;
    "key_name" Text Nullable Some("keeptrusts.key_name");
    "team" Text Optional Some("keeptrusts.team");
    "simulated" Flag Optional Some("keeptrusts.simulated");
    "conversation_id" Text Nullable Some("gen_ai.conversation.id");
    "trace" Object Optional None;
    "trace.trace_id" Text Always None;
    "trace.span_id" Text Always None;
    "trace.parent_span_id" Text Nullable None;
    "trace.sampled" Flag Always None;
    "config_version" Text Always Some("keeptrusts.config_version");
    "gateway_id" Text Always Some("keeptrusts.gateway_id");
    "instance_id" Text Always Some("keeptrusts.instance_id");
    "request_body" Text Optional Some("gen_ai.input.messages");
    "response_body" Text Optional Some("gen_ai.output.messages");
    "truncated" Texts Optional Some("keeptrusts.truncated");
};

/// Fields of events of changed health.
pub static HEALTH_CHANGED: &[EventField] = rows! {
    "event_type" Text Always Some("keeptrusts.event_type");
    "id" Text Always Some("keeptrusts.event_id");
    "timestamp" Time Always None;
    "provider" Text Always Some("keeptrusts.provider");
    "from" Text Always Some("keeptrusts.health.from");
    "to" Text Always Some("keeptrusts.health.to");
    "reason" Text Always Some("error.type");
    "consecutive_failures" Integer Always Some("keeptrusts.health.consecutive_failures");
    "gateway_id" Text Always Some("keeptrusts.gateway_id");
    "instance_id" Text Always Some("keeptrusts.instance_id");
    "config_version" Text Always Some("keeptrusts.config_version");
    "truncated" Texts Optional Some("keeptrusts.truncated");
};

/// The attribute of the field `path` of a decision.
pub fn attribute(path: &str) -> Option<&'static str> {
    DECISION.iter().find(|field| field.path == path)?.attribute
}
