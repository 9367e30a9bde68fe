//! What the dialects write into: the document's own words, each with its place, before defaults and references.

use std::collections::BTreeMap;

use catalog::{DialectPatch, Endpoints, Provider};

use crate::content_category::ContentCategory;
use crate::lint::Spanned;
use crate::model::{BaseUrl, Credential, OnModerationError, OnOverBudget, PolicyAction, Unpriced};
use crate::section::Slot;
use crate::telemetry::{HeaderValue, MetricLabel};
use crate::yaml::{At, Node};

/// A whole document.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) pack: PackDraft,
    pub(crate) version: Slot<String>,
    pub(crate) targets: Vec<TargetDraft>,
    /// The list of targets: given where its items are targets or it has none.
    pub(crate) target_list: Slot<()>,
    pub(crate) groups: Vec<GroupDraft>,
    pub(crate) routing: StrategyDraft,
    pub(crate) failover: FailoverDraft,
    pub(crate) provider_fallback: ProviderFallbackDraft,
    /// `providers.fallback`
    pub(crate) fallback: FallbackDraft,
    pub(crate) health_check: HealthCheckDraft,
    pub(crate) circuit_breaker: CircuitBreakerDraft,
    pub(crate) policies: PoliciesDraft,
    pub(crate) max_request_bytes: Slot<u64>,
    pub(crate) log_bodies: Slot<bool>,
    pub(crate) commit_after_ms: Slot<u64>,
    pub(crate) unpriced: Slot<Unpriced>,
    pub(crate) telemetry: TelemetryDraft,
}

/// `telemetry`
#[derive(Default)]
pub(crate) struct TelemetryDraft {
    pub(crate) service_name: Slot<String>,
    /// What holds for all signals.
    pub(crate) otlp: OtlpDraft,
    pub(crate) traces: OtlpDraft,
    pub(crate) metrics: OtlpDraft,
    pub(crate) logs: OtlpDraft,
    pub(crate) sampling: Slot<f64>,
    pub(crate) labels: Slot<Vec<MetricLabel>>,
    pub(crate) interval_ms: Slot<u64>,
    pub(crate) prometheus: PrometheusDraft,
}

/// Where OTLP goes.
#[derive(Default)]
pub(crate) struct OtlpDraft {
    pub(crate) enabled: Slot<bool>,
    pub(crate) endpoint: Slot<BaseUrl>,
    /// By lower-case names.
    pub(crate) headers: Slot<Vec<(String, Spanned<HeaderValue>)>>,
}

/// A header of OTLP requests whose value is a secret.
#[derive(Default)]
pub(crate) struct OtlpHeaderDraft {
    pub(crate) secret: Slot<Credential>,
    pub(crate) prefix: Slot<String>,
}

/// `/metrics`
#[derive(Default)]
pub(crate) struct PrometheusDraft {
    pub(crate) enabled: Slot<bool>,
    pub(crate) port: Slot<u32>,
    pub(crate) require_key: Slot<bool>,
}

#[derive(Default)]
pub(crate) struct PackDraft {
    pub(crate) name: Slot<String>,
    pub(crate) version: Slot<String>,
    pub(crate) enabled: Slot<bool>,
}

#[derive(Default)]
pub(crate) struct TargetDraft {
    /// Where the target begins.
    pub(crate) at: Option<At>,
    pub(crate) id: Slot<String>,
    pub(crate) provider: Slot<ProviderRef>,
    /// `provider.type`
    pub(crate) kind: Slot<Provider>,
    pub(crate) base_url: Slot<BaseUrl>,
    pub(crate) model: Slot<String>,
    /// Placed at the name of the variable or file.
    pub(crate) credential: Slot<Credential>,
    pub(crate) priority: Slot<u32>,
    pub(crate) weight: Slot<u32>,
    pub(crate) region: Slot<String>,
    pub(crate) timeout_ms: Slot<u64>,
    pub(crate) stream_idle_timeout_ms: Slot<u64>,
    pub(crate) model_mapping: Slot<BTreeMap<String, String>>,
    pub(crate) health_check: HealthCheckDraft,
    pub(crate) circuit_breaker: CircuitBreakerDraft,
    pub(crate) api_version: Slot<String>,
    pub(crate) default_max_tokens: Slot<u32>,
    pub(crate) price: PriceDraft,
    pub(crate) aws_sigv4_region: Slot<String>,
    pub(crate) forward_headers: Slot<Vec<String>>,
    pub(crate) quirks: Slot<DialectPatch>,
    pub(crate) endpoints: Slot<Endpoints>,
}

/// `vendor`, `vendor:model` or `vendor:kind:model`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProviderRef {
    pub(crate) vendor: Provider,
    pub(crate) model: Option<String>,
}

/// `secret_key_ref`: one of the two.
#[derive(Default)]
pub(crate) struct SecretKeyRefDraft {
    pub(crate) env: Slot<String>,
    pub(crate) store: Slot<String>,
}

#[derive(Default)]
pub(crate) struct PriceDraft {
    pub(crate) input: Slot<f64>,
    pub(crate) output: Slot<f64>,
    pub(crate) cached_input: Slot<f64>,
}

#[derive(Default)]
pub(crate) struct HealthCheckDraft {
    pub(crate) enabled: Slot<bool>,
    pub(crate) interval_ms: Slot<u64>,
    pub(crate) timeout_ms: Slot<u64>,
    pub(crate) unhealthy_threshold: Slot<u32>,
    pub(crate) healthy_threshold: Slot<u32>,
    pub(crate) path: Slot<String>,
    pub(crate) expected_statuses: Slot<Vec<u16>>,
}

#[derive(Default)]
pub(crate) struct CircuitBreakerDraft {
    pub(crate) enabled: Slot<bool>,
    pub(crate) failure_threshold: Slot<u32>,
    pub(crate) cooldown_ms: Slot<u64>,
    pub(crate) half_open_requests: Slot<u32>,
    pub(crate) max_cooldown_ms: Slot<u64>,
}

#[derive(Default)]
pub(crate) struct GroupDraft {
    pub(crate) name: Slot<String>,
    /// Where the group begins.
    pub(crate) at: Option<At>,
    pub(crate) members: Vec<MemberDraft>,
    /// The list of members: given where its items are members or it has none.
    pub(crate) member_list: Slot<()>,
    pub(crate) aliases: Slot<Vec<Spanned<String>>>,
    pub(crate) fallback_group: Slot<String>,
    pub(crate) strategy: StrategyDraft,
    pub(crate) session_affinity: Slot<bool>,
    pub(crate) fail_open: Slot<bool>,
    pub(crate) hedge_after_ms: Slot<u64>,
}

#[derive(Default)]
pub(crate) struct MemberDraft {
    /// Where the member begins.
    pub(crate) at: Option<At>,
    /// Id of a target.
    pub(crate) provider: Slot<String>,
    pub(crate) model: Slot<String>,
    pub(crate) weight: Slot<u32>,
    pub(crate) priority: Slot<u32>,
    pub(crate) timeout_ms: Slot<u64>,
    pub(crate) tag: Slot<String>,
    pub(crate) region: Slot<String>,
    pub(crate) price: PriceDraft,
    pub(crate) context_window: Slot<u32>,
    pub(crate) description: Slot<String>,
    pub(crate) examples: Slot<Vec<Spanned<String>>>,
}

/// A strategy and the settings of all strategies: which of them belong to it is checked later.
#[derive(Default)]
pub(crate) struct StrategyDraft {
    pub(crate) strategy: Slot<StrategyName>,
    pub(crate) latency_window_ms: Slot<u64>,
    pub(crate) max_latency_ms: Slot<u64>,
    pub(crate) min_sample_count: Slot<u32>,
    pub(crate) budget_per_request_usd: Slot<f64>,
    pub(crate) assumed_output_tokens: Slot<u32>,
    pub(crate) on_over_budget: Slot<OnOverBudget>,
    pub(crate) min_similarity: Slot<f64>,
    pub(crate) embedding: Slot<EmbeddingDraft>,
}

/// A strategy's name with synonyms resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StrategyName {
    Failover,
    Weighted,
    WeightedRoundRobin,
    RoundRobin,
    Random,
    Single,
    Latency,
    HighestThroughput,
    Cost,
    Semantic,
}

#[derive(Default)]
pub(crate) struct EmbeddingDraft {
    /// Id of a target.
    pub(crate) provider: Slot<String>,
    pub(crate) model: Slot<String>,
    pub(crate) timeout_ms: Slot<u64>,
}

#[derive(Default)]
pub(crate) struct FailoverDraft {
    pub(crate) enabled: Slot<bool>,
    pub(crate) strategy: Slot<StrategyName>,
    /// The strategy as the user spelled it.
    pub(crate) written_strategy: Option<String>,
    pub(crate) model_mapping: Slot<BTreeMap<String, String>>,
    pub(crate) max_attempts: Slot<u32>,
    pub(crate) same_target: Slot<u32>,
    pub(crate) timeout_ms: Slot<u64>,
}

#[derive(Default)]
pub(crate) struct ProviderFallbackDraft {
    pub(crate) enabled: Slot<bool>,
    pub(crate) max_attempts: Slot<u32>,
    pub(crate) on_content_policy: Slot<bool>,
    pub(crate) on_context_length: Slot<bool>,
}

#[derive(Default)]
pub(crate) struct FallbackDraft {
    pub(crate) enabled: Slot<bool>,
    pub(crate) strategy: Slot<StrategyName>,
    pub(crate) max_attempts: Slot<u32>,
}

/// Both ways to write content policies.
#[derive(Default)]
pub(crate) struct PoliciesDraft {
    /// `policies.chain`
    pub(crate) chain: Vec<Spanned<String>>,
    /// `policy.<kind>`, in document order. The place is the key's.
    pub(crate) blocks: Vec<(Spanned<PolicyKind>, PolicySettingsDraft)>,
    /// `policies: [{name, type, action, config}]`
    pub(crate) list: Vec<PolicyItemDraft>,
}

#[derive(Default)]
pub(crate) struct PolicyItemDraft {
    /// Where the item begins.
    pub(crate) at: Option<At>,
    pub(crate) name: Slot<String>,
    pub(crate) kind: Slot<PolicyKind>,
    pub(crate) settings: PolicySettingsDraft,
    /// Read when the kind is known.
    pub(crate) config: Option<Node>,
}

/// Kinds of content policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyKind {
    AuditLogger,
    ContentFilter,
}

/// Settings of all kinds.
#[derive(Default)]
pub(crate) struct PolicySettingsDraft {
    pub(crate) immutable: Slot<bool>,
    pub(crate) retention_days: Slot<u32>,
    pub(crate) log_all_access: Slot<bool>,
    pub(crate) categories: Slot<Vec<Spanned<ContentCategory>>>,
    pub(crate) action: Slot<PolicyAction>,
    pub(crate) moderation: Slot<ModerationDraft>,
}

#[derive(Default)]
pub(crate) struct ModerationDraft {
    /// Id of a target.
    pub(crate) target: Slot<String>,
    pub(crate) model: Slot<String>,
    pub(crate) timeout_ms: Slot<u64>,
    pub(crate) on_error: Slot<OnModerationError>,
}
