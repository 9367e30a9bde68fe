//! Every kind of mapping in a policy, and the dialects that have keys in it.

use super::{gateway, groups, pack, policies, reference, strategy, telemetry, tutorial};
use crate::draft::*;
use crate::section::{Key, Section};

/// Keys that several dialects show on several sections live with the notion, not with a dialect.
type Tables<D> = &'static [&'static [Key<D>]];

macro_rules! sections {
    ($($(#[$doc:meta])* $section:ident: $draft:ty = $name:literal $tables:expr;)*) => {
        $($(#[$doc])* pub(crate) static $section: Section<$draft> = {
            const TABLES: Tables<$draft> = &$tables;
            Section { name: $name, tables: TABLES }
        };)*

        /// Name and keys of every section, for the test that compares them with the JSON Schema.
        #[cfg(all(test, not(target_arch = "wasm32")))]
        pub(crate) fn sections() -> Vec<(&'static str, Vec<&'static str>)> {
            vec![$(($section.name, $section.keys().map(|key| key.name).collect())),*]
        }
    };
}

sections! {
    /// The document.
    ROOT: Draft = "policy_config" [pack::ROOT, tutorial::ROOT, reference::ROOT, gateway::ROOT, telemetry::ROOT];
    /// `pack`
    PACK: PackDraft = "pack" [pack::PACK];
    /// `providers`
    PROVIDERS: Draft = "providers" [pack::PROVIDERS, groups::PROVIDERS, tutorial::PROVIDERS, reference::PROVIDERS];
    /// `providers.targets[]`
    TARGET: TargetDraft = "target" [pack::TARGET, groups::TARGET, tutorial::TARGET, reference::TARGET, gateway::TARGET];
    /// `providers.targets[].provider` as a mapping
    PROVIDER: TargetDraft = "provider" [pack::PROVIDER, gateway::PROVIDER];
    /// `secret_key_ref`
    SECRET_KEY_REF: SecretKeyRefDraft = "secret_key_ref" [pack::SECRET_KEY_REF];
    /// `model_groups[]`
    GROUP: GroupDraft = "model_group" [pack::GROUP, groups::GROUP, gateway::GROUP, strategy::GROUP];
    /// `model_groups[].models[]`
    MEMBER: MemberDraft = "member" [pack::MEMBER, gateway::MEMBER];
    /// `providers.routing`
    ROUTING: StrategyDraft = "routing" [strategy::ROUTING, strategy::SETTINGS];
    /// `embedding` of the semantic strategy
    EMBEDDING: EmbeddingDraft = "embedding" [strategy::EMBEDDING];
    /// `failover`
    FAILOVER: FailoverDraft = "failover" [tutorial::FAILOVER];
    /// `failover.retry`
    RETRY: FailoverDraft = "retry" [tutorial::RETRY];
    /// `providers.fallback`
    FALLBACK: FallbackDraft = "fallback" [groups::FALLBACK];
    /// `provider_fallback`
    PROVIDER_FALLBACK: ProviderFallbackDraft = "provider_fallback" [reference::PROVIDER_FALLBACK];
    /// `health_check`
    HEALTH_CHECK: HealthCheckDraft = "health_check" [tutorial::HEALTH_CHECK, gateway::HEALTH_CHECK];
    /// `circuit_breaker`
    CIRCUIT_BREAKER: CircuitBreakerDraft = "circuit_breaker" [reference::CIRCUIT_BREAKER, gateway::CIRCUIT_BREAKER];
    /// `policies` as a mapping
    POLICIES: PoliciesDraft = "policies" [policies::POLICIES];
    /// `policies[]` as a list
    POLICY_ITEM: PolicyItemDraft = "policy_item" [policies::POLICY_ITEM];
    /// Settings of an `audit-logger`
    AUDIT_LOGGER: PolicySettingsDraft = "audit_logger" [policies::AUDIT_LOGGER];
    /// Settings of a `content-filter`
    CONTENT_FILTER: PolicySettingsDraft = "content_filter" [policies::CONTENT_FILTER];
    /// `moderation` of a `content-filter`
    MODERATION: ModerationDraft = "moderation" [policies::MODERATION];
    /// `telemetry`
    TELEMETRY: TelemetryDraft = "telemetry" [telemetry::TELEMETRY];
    /// `telemetry.otlp`
    OTLP: OtlpDraft = "otlp" [telemetry::OTLP];
    /// `telemetry.traces`, `.metrics` and `.logs` as a mapping
    SIGNAL: OtlpDraft = "otlp_signal" [telemetry::OTLP, telemetry::SIGNAL];
    /// A header whose value is a secret
    OTLP_HEADER: OtlpHeaderDraft = "otlp_header" [telemetry::HEADER];
    /// `telemetry.prometheus`
    PROMETHEUS: PrometheusDraft = "prometheus" [telemetry::PROMETHEUS];
}
