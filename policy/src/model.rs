//! The one model that every dialect of `policy-config.yaml` is read into.
//!
//! Everything here is resolved: synonyms are gone, defaults are filled in, names have become indices. A value of
//! [`Policy`] that came out of [`crate::load`] is consistent: every [`TargetId`] and [`GroupId`] points at something.

use std::collections::BTreeMap;

use catalog::{DialectPatch, Endpoints, PriceTier, Provider};
use serde::{Deserialize, Serialize};

use crate::content_category::ContentCategory;
use crate::telemetry::Telemetry;

/// Whole-answer timeout (first byte for streams) of a target that gives none, in milliseconds.
pub const DEFAULT_TIMEOUT_MS: u64 = 120_000;
/// Silence in mid-stream after which a target that says nothing else is given up, in milliseconds.
pub const DEFAULT_STREAM_IDLE_TIMEOUT_MS: u64 = 120_000;
/// How long a stream that is alive is held for its first content when the policy does not say, in milliseconds.
pub const DEFAULT_COMMIT_AFTER_MS: u64 = 25_000;
/// Cosine similarity below which semantic routing takes the group's first member, when the policy gives none.
pub const DEFAULT_MIN_SIMILARITY: f64 = 0.2;
/// How long semantic routing waits for an embeddings target that gives no `timeout_ms`, in milliseconds.
pub const DEFAULT_EMBEDDING_TIMEOUT_MS: u64 = 2_000;
/// How long a moderation target that gives no `timeout_ms` may take, in milliseconds.
pub const DEFAULT_MODERATION_TIMEOUT_MS: u64 = 2_000;
/// Largest request body that the gateway accepts when the policy gives no `max_request_bytes`.
pub const DEFAULT_MAX_REQUEST_BYTES: u64 = 32 * 1024 * 1024;

/// Position of a target in [`Policy::targets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TargetId(pub usize);

/// Position of a group in [`Policy::groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupId(pub usize);

/// A whole policy document.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// `pack.name`, or `policy-config` where the document has no pack.
    pub name: String,
    /// `pack.version` or top-level `version`.
    pub version: String,
    /// Targets in document order. Ids are unique.
    pub targets: Vec<Target>,
    /// Model groups in document order. Names and aliases are unique over all groups.
    pub groups: Vec<ModelGroup>,
    /// The plan for a model that is neither group nor alias: all targets by priority, then document order.
    pub default_order: Vec<TargetId>,
    /// Strategy for requests that name no group (`failover.strategy`, `providers.routing.strategy`).
    pub default_strategy: Strategy,
    /// `failover` and `provider_fallback`.
    pub failover: Failover,
    /// Content policies in the order in which they run.
    pub content_policies: Vec<ContentPolicy>,
    /// Limits and switches of the gateway itself.
    pub gateway: GatewaySettings,
    /// What is told to OpenTelemetry and Prometheus.
    pub telemetry: Telemetry,
}

/// One provider account that requests can be sent to.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Unique, as the user wrote it.
    pub id: String,
    /// Decides wire format, dialect, credential header and probe.
    pub vendor: Provider,
    /// Where it is reached. For [`Target::endpoint_variable`] that is not resolved, a host below `.invalid`.
    pub base_url: BaseUrl,
    /// The document gives no base URL and the vendor has no common one (Azure OpenAI): the environment variable that
    /// must name it. `None` once it is resolved ([`crate::LoadOptions::endpoint`]). Until then the target cannot serve.
    pub endpoint_variable: Option<String>,
    /// The target's own model (`vendor:kind:model`, or `model:`).
    pub model: Option<String>,
    /// Where the key comes from.
    pub credential: Credential,
    /// Lower goes first; targets without one come after those that have one.
    pub priority: Option<u32>,
    /// Relative or percentage weight, where the group gives none.
    pub weight: Option<u32>,
    /// Free text that reaches the decision event.
    pub region: Option<String>,
    /// Milliseconds for the whole answer, or to the first content of a stream.
    pub timeout_ms: u64,
    /// Milliseconds of silence after its first content that end a stream.
    pub stream_idle_timeout_ms: u64,
    /// Client's model name to this target's model name, checked before [`Failover::model_mapping`].
    pub model_mapping: BTreeMap<String, String>,
    /// Active probing.
    pub health_check: HealthCheck,
    /// Passive breaking.
    pub circuit_breaker: CircuitBreaker,
    /// `api-version` of Azure OpenAI's deployment paths; `None` means the v1 path.
    pub api_version: Option<String>,
    /// `max_tokens` sent to wire formats that require one when the client gave none.
    pub default_max_tokens: Option<u32>,
    /// Prices of this target's models where the member gives none.
    pub price: Option<Price>,
    /// AWS region and signing, for Bedrock with SigV4 instead of a bearer key.
    pub aws_sigv4_region: Option<String>,
    /// Headers of the client that this target gets beside those that every target gets: lower case, no credential that the
    /// gateway reads or writes.
    pub forward_headers: Vec<String>,
    /// What this target's server takes otherwise than the catalogue says (`quirks`).
    pub quirks: DialectPatch,
    /// What this target serves itself (`endpoints`); `None` is as the catalogue says.
    pub endpoints: Option<Endpoints>,
}

/// A URL split into what Envoy needs. Never has query or fragment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseUrl {
    /// TLS is used.
    pub tls: bool,
    /// Host name or address literal, without brackets.
    pub host: String,
    /// Explicit port, or 443 or 80 by scheme.
    pub port: u16,
    /// Empty, or begins with `/` and does not end with one.
    pub path: String,
}

/// Where a target's key comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Credential {
    /// `secret_key_ref.env`: an environment variable of that name.
    Env(String),
    /// `secret_key_ref.store`: a file of that name in the secrets folder, else a variable of that name.
    Store(String),
    /// The vendor needs none and the document gives none.
    None,
}

/// Active probing of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthCheck {
    /// Probes are sent.
    pub enabled: bool,
    /// Milliseconds between probes of a healthy target.
    pub interval_ms: u64,
    /// Milliseconds until a probe counts as failed.
    pub timeout_ms: u64,
    /// Consecutive failures, of probes or traffic, that make a target unhealthy.
    pub unhealthy_threshold: u32,
    /// Consecutive successful probes that make it healthy again.
    pub healthy_threshold: u32,
    /// Path below the base URL; `None` is the vendor's model listing.
    pub path: Option<String>,
    /// Statuses that count as success; empty means any 2xx.
    pub expected_statuses: Vec<u16>,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            enabled: true,
            interval_ms: 30_000,
            timeout_ms: 5_000,
            unhealthy_threshold: 3,
            healthy_threshold: 2,
            path: None,
            expected_statuses: Vec::new(),
        }
    }
}

/// When traffic alone opens and closes a target.
#[derive(Debug, Clone, PartialEq)]
pub struct CircuitBreaker {
    /// `false`: the circuit never opens by itself. Probes and cool-downs that a provider asks for still count.
    pub enabled: bool,
    /// Consecutive failures that open the circuit.
    pub failure_threshold: u32,
    /// Milliseconds that an open circuit stays open before half-open traffic is let through.
    pub cooldown_ms: u64,
    /// Requests let through while half-open.
    pub half_open_requests: u32,
    /// Longest cool-down, in milliseconds, that a `retry-after` of the provider may ask for.
    pub max_cooldown_ms: u64,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self {
            enabled: true,
            failure_threshold: 3,
            cooldown_ms: 30_000,
            half_open_requests: 3,
            max_cooldown_ms: 300_000,
        }
    }
}

/// A logical model name and the targets behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelGroup {
    /// What clients send as `model`.
    pub name: String,
    /// Further names for it.
    pub aliases: Vec<String>,
    /// How the head of a plan is picked.
    pub strategy: Strategy,
    /// In failover order: by priority where given, else document order.
    pub members: Vec<Member>,
    /// Its plan follows when this group is exhausted. Chains are acyclic.
    pub fallback_group: Option<GroupId>,
    /// All turns of a conversation go to one member.
    pub session_affinity: bool,
    /// When every member is out, try the least bad one instead of answering 503.
    pub fail_open: bool,
    /// When no first byte came after so many milliseconds, the next target is asked as well, and the first answer wins.
    pub hedge_after_ms: Option<u64>,
}

/// One (target, model) pair of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Who serves.
    pub target: TargetId,
    /// Model name sent to the target; `None` sends the client's name through the mappings.
    pub model: Option<String>,
    /// Percentage or relative weight by the group's strategy.
    pub weight: Option<u32>,
    /// As given by the user; [`ModelGroup::members`] is already sorted by it.
    pub priority: Option<u32>,
    /// Milliseconds for the whole answer, or to the first content of a stream. Falls back to the target's.
    pub timeout_ms: u64,
    /// Arm of an experiment; reaches the decision event.
    pub tag: Option<String>,
    /// Reaches the decision event. Falls back to the target's.
    pub region: Option<String>,
    /// Prices for cost routing and events. Falls back to the target's, then to the built-in table.
    pub price: Option<Price>,
    /// Tokens that prompt and answer may have together.
    pub context_window: Option<u32>,
    /// For semantic routing.
    pub description: Option<String>,
    /// For semantic routing: sentences that belong here.
    pub examples: Vec<String>,
}

/// US dollars per 1,000 tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// `cost_per_1k_input`
    pub input_per_1k: f64,
    /// `cost_per_1k_output`
    pub output_per_1k: f64,
    /// `cost_per_1k_cached_input`; `None` is billed as input.
    pub cached_input_per_1k: Option<f64>,
    /// Input that the provider wrote to its cache; `None` is billed as input. No policy gives it.
    pub cache_write_per_1k: Option<f64>,
    /// List prices of requests with long prompts, the shortest first. No policy gives them.
    pub tiers: &'static [PriceTier],
}

/// How the head of a plan is picked (contract: strategies).
#[derive(Debug, Clone, PartialEq)]
pub enum Strategy {
    /// First member that can serve.
    Failover,
    /// Random by percentages that sum to 100.
    Weighted,
    /// Smooth weighted round robin by relative weights.
    WeightedRoundRobin,
    /// Smooth round robin.
    RoundRobin,
    /// Uniformly random.
    Random,
    /// The first member and no other.
    Single,
    /// Lowest recent latency.
    Latency(LatencySettings),
    /// Most tokens per second of recent answers.
    HighestThroughput(LatencySettings),
    /// Cheapest that fits.
    Cost(CostSettings),
    /// Nearest in meaning.
    Semantic(SemanticSettings),
}

impl Strategy {
    /// The canonical name, as it stands in events and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Weighted => "weighted",
            Self::WeightedRoundRobin => "weighted_round_robin",
            Self::RoundRobin => "round_robin",
            Self::Random => "random",
            Self::Single => "single",
            Self::Latency(_) => "latency",
            Self::HighestThroughput(_) => "highest_throughput",
            Self::Cost(_) => "cost",
            Self::Semantic(_) => "semantic",
        }
    }
}

/// Settings of [`Strategy::Latency`] and [`Strategy::HighestThroughput`].
#[derive(Debug, Clone, PartialEq)]
pub struct LatencySettings {
    /// `latency_window`, in milliseconds.
    pub window_ms: u64,
    /// Members slower than this are out until the window forgets.
    pub max_latency_ms: Option<u64>,
    /// Members with fewer samples are measured first.
    pub min_sample_count: u32,
}

impl Default for LatencySettings {
    fn default() -> Self {
        Self {
            window_ms: 60_000,
            max_latency_ms: None,
            min_sample_count: 5,
        }
    }
}

/// Settings of [`Strategy::Cost`].
#[derive(Debug, Clone, PartialEq)]
pub struct CostSettings {
    /// Members whose estimate is higher are out.
    pub budget_per_request_usd: Option<f64>,
    /// Answer length assumed when the client sets no limit.
    pub assumed_output_tokens: u32,
    /// What happens when no member fits.
    pub on_over_budget: OnOverBudget,
}

impl Default for CostSettings {
    fn default() -> Self {
        Self {
            budget_per_request_usd: None,
            assumed_output_tokens: 500,
            on_over_budget: OnOverBudget::Refuse,
        }
    }
}

/// See [`CostSettings::on_over_budget`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnOverBudget {
    /// 429 `budget_exceeded`.
    Refuse,
    /// The cheapest serves anyway.
    Cheapest,
}

/// Settings of [`Strategy::Semantic`].
#[derive(Debug, Clone, PartialEq)]
pub struct SemanticSettings {
    /// Below this cosine similarity the group's first member serves.
    pub min_similarity: f64,
    /// Embeddings by callout: target and model. `None` is the built-in embedding.
    pub embedding: Option<EmbeddingSource>,
}

/// An OpenAI-compatible `/v1/embeddings` target.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddingSource {
    /// Who embeds.
    pub target: TargetId,
    /// With which model.
    pub model: String,
    /// Milliseconds before the group's first member is taken instead.
    pub timeout_ms: u64,
}

/// Failover as configured at document level.
#[derive(Debug, Clone, PartialEq)]
pub struct Failover {
    /// `false`: a plan never has more than one entry.
    pub enabled: bool,
    /// `failover.strategy` as the user spelled it, for the startup log; synonyms are resolved in
    /// [`Policy::default_strategy`].
    pub written_strategy: Option<String>,
    /// How many further targets may be tried; `None` is the whole plan.
    pub max_attempts: Option<u32>,
    /// How often a target that answered 500, 502, 503, or 429 with a wait of a second at most is asked again before the next
    /// one (`failover.retry.same_target`); `None` is once where a plan has one target, else never.
    pub same_target: Option<u32>,
    /// Client's model name to a model name of the targets that are not the first choice.
    pub model_mapping: BTreeMap<String, String>,
    /// Where a request goes that is too long for a model (`provider_fallback.context_window`).
    pub on_context_length: OnContextLength,
    /// Refusals by the provider's content filter fail over (`provider_fallback.content_policy: fallback`).
    pub on_content_policy: bool,
}

/// What follows when a provider says that a request is too long for its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnContextLength {
    /// The next member whose context window is larger serves, or may be; else it is the client's answer.
    #[default]
    LargerWindow,
    /// The next member serves, whatever its window (`fallback`).
    NextMember,
    /// It is the client's answer (`stop`, `abort`, `error`).
    Answer,
}

impl Default for Failover {
    fn default() -> Self {
        Self {
            enabled: true,
            written_strategy: None,
            max_attempts: None,
            same_target: None,
            model_mapping: BTreeMap::new(),
            on_context_length: OnContextLength::default(),
            on_content_policy: false,
        }
    }
}

/// A content policy and its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct ContentPolicy {
    /// As the user named it; the kind where unnamed.
    pub name: String,
    /// What it does.
    pub kind: ContentPolicyKind,
}

/// The policies of the seed documents.
#[derive(Debug, Clone, PartialEq)]
pub enum ContentPolicyKind {
    /// Append-only record of every decision.
    AuditLogger {
        /// Records cannot be altered (hash chain).
        immutable: bool,
        /// Days until events and records are removed.
        retention_days: u32,
        /// Every request is recorded, not only policy decisions.
        log_all_access: bool,
    },
    /// Looks for categories of unwanted content.
    ContentFilter {
        /// In the order of the document, each once. Empty only beside a moderation target, which then judges by its
        /// own categories.
        categories: Vec<ContentCategory>,
        /// What a hit does.
        action: PolicyAction,
        /// Who else is asked.
        moderation: Option<Moderation>,
    },
}

/// An OpenAI-compatible `/v1/moderations` target.
#[derive(Debug, Clone, PartialEq)]
pub struct Moderation {
    /// Who judges.
    pub target: TargetId,
    /// With which model; `None` is the target's default.
    pub model: Option<String>,
    /// Milliseconds before [`Moderation::on_error`] decides.
    pub timeout_ms: u64,
    /// What no answer, or none that can be read, means.
    pub on_error: OnModerationError,
}

/// See [`Moderation::on_error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnModerationError {
    /// The request goes on; the event says that it was not judged.
    Allow,
    /// 409 `input_blocked`.
    Block,
}

/// What a content policy does on a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyAction {
    /// Record it in the event.
    Flag,
    /// 409 `input_blocked`.
    Block,
    /// Replace what was found.
    Redact,
}

/// Limits and switches of the gateway itself.
#[derive(Debug, Clone, PartialEq)]
pub struct GatewaySettings {
    /// Larger request bodies are answered 413.
    pub max_request_bytes: u64,
    /// Prompts and answers may appear in events.
    pub log_bodies: bool,
    /// Milliseconds after which a stream that is alive and has shown no content goes through to the client.
    pub commit_after_ms: u64,
    /// What becomes of models without a price where a budget has to be kept.
    pub unpriced: Unpriced,
}

/// See [`GatewaySettings::unpriced`]. Servers of the user's own, at private addresses, cost nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unpriced {
    /// They are left out of plans; lint refuses them under strategy `cost`.
    #[default]
    Refuse,
    /// They cost as much as the dearest model of their provider whose price is known.
    WorstKnown,
    /// They cost nothing.
    Ignore,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            max_request_bytes: DEFAULT_MAX_REQUEST_BYTES,
            log_bodies: false,
            commit_after_ms: DEFAULT_COMMIT_AFTER_MS,
            unpriced: Unpriced::default(),
        }
    }
}

impl Policy {
    /// The target at `id`. `None` only for an id of another policy.
    pub fn target(&self, id: TargetId) -> Option<&Target> {
        self.targets.get(id.0)
    }

    /// The group at `id`. `None` only for an id of another policy.
    pub fn group(&self, id: GroupId) -> Option<&ModelGroup> {
        self.groups.get(id.0)
    }

    /// The target with the user's name `id`.
    pub fn target_named(&self, id: &str) -> Option<(TargetId, &Target)> {
        self.targets
            .iter()
            .enumerate()
            .find(|(_, target)| target.id == id)
            .map(|(index, target)| (TargetId(index), target))
    }
}

impl BaseUrl {
    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// `host` or `host:port`, brackets around IPv6 literals, the scheme's own port left out.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        let default_port = if self.tls { 443 } else { 80 };
        if self.port == default_port {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }
}
