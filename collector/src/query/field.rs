//! The fields of events that a filter may name.

macro_rules! fields {
    ($($variant:ident $name:literal $doc:literal,)+) => {
        /// A field of an event, by the name it has in the event's JSON; members of objects have a dot.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Field {
            $(#[doc = $doc] $variant,)+
        }

        impl Field {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As filters and query parameters write it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

fields! {
    Id "id" "`evt_…`",
    RequestId "request_id" "Envoy's id of the request.",
    Decision "decision" "allowed, blocked or flagged.",
    Model "model" "As the client asked for it.",
    ModelGroup "model_group" "The group asked for.",
    ResolvedModel "resolved_model" "The model that served.",
    Provider "provider" "The target that served; of a health event: the target.",
    Vendor "vendor" "Its vendor.",
    Tag "tag" "Arm of an experiment.",
    Region "region" "Where it is.",
    Strategy "strategy" "What picked the plan's head.",
    Stream "stream" "true or false.",
    StatusCode "status_code" "What the client got.",
    ErrorCode "error_code" "Of an answer that the gateway made.",
    IsError "error" "true or false: whether `error_count` counts it.",
    ClientGone "client_gone" "true or false.",
    FallbackCount "fallback_count" "Targets passed over.",
    FailoverTriggered "failover" "true or false; also `failover.triggered`.",
    FailoverOriginalProvider "failover.original_provider" "The first choice.",
    FailoverReason "failover.reason" "Why it did not serve.",
    KeyName "key_name" "The gateway key.",
    Team "team" "Its team.",
    Simulated "simulated" "true or false: simulated providers answered.",
    ConversationId "conversation_id" "Hash of the conversation id.",
    ConfigVersion "config_version" "Version of the policy.",
    GatewayId "gateway_id" "The gateway.",
    InstanceId "instance_id" "The Envoy process.",
    LatencyMs "latency_ms" "Whole milliseconds.",
    UpstreamLatencyMs "upstream_latency_ms" "Whole milliseconds.",
    TimeToFirstTokenMs "time_to_first_token_ms" "Whole milliseconds.",
    TokensPrompt "tokens.prompt" "Input.",
    TokensCompletion "tokens.completion" "Output.",
    TokensCached "tokens.cached" "Input from the cache.",
    TokensTotal "tokens.total" "Both.",
    TokensEstimated "tokens.estimated" "true or false.",
    Policy "policies_evaluated.name" "A content policy that ran.",
    PolicyResult "policies_evaluated.result" "What one of them said.",
    AttemptProvider "attempts.provider" "A target that was tried.",
    AttemptReason "attempts.reason" "Why an attempt failed.",
    PassedOverProvider "passed_over.provider" "A target that was left out.",
    PassedOverReason "passed_over.reason" "Why.",
    From "from" "Of a health event: the state before.",
    To "to" "Of a health event: the state now.",
    Reason "reason" "Of a health event: what made it change.",
}

impl Field {
    /// By its name.
    pub fn parse(name: &str) -> Option<Self> {
        if name == "failover.triggered" {
            return Some(Self::FailoverTriggered);
        }
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }

    /// What its values are.
    pub fn kind(self) -> FieldKind {
        match self {
            Self::Stream
            | Self::IsError
            | Self::ClientGone
            | Self::FailoverTriggered
            | Self::Simulated
            | Self::TokensEstimated => FieldKind::Flag,
            Self::StatusCode
            | Self::FallbackCount
            | Self::LatencyMs
            | Self::UpstreamLatencyMs
            | Self::TimeToFirstTokenMs
            | Self::TokensPrompt
            | Self::TokensCompletion
            | Self::TokensCached
            | Self::TokensTotal => FieldKind::Number,
            Self::Policy
            | Self::PolicyResult
            | Self::AttemptProvider
            | Self::AttemptReason
            | Self::PassedOverProvider
            | Self::PassedOverReason => FieldKind::List,
            Self::Id
            | Self::RequestId
            | Self::Decision
            | Self::Model
            | Self::ModelGroup
            | Self::ResolvedModel
            | Self::Provider
            | Self::Vendor
            | Self::Tag
            | Self::Region
            | Self::Strategy
            | Self::ErrorCode
            | Self::FailoverOriginalProvider
            | Self::FailoverReason
            | Self::KeyName
            | Self::Team
            | Self::ConversationId
            | Self::ConfigVersion
            | Self::GatewayId
            | Self::InstanceId
            | Self::From
            | Self::To
            | Self::Reason => FieldKind::Text,
        }
    }
}

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Text, or nothing.
    Text,
    /// A whole number, or nothing.
    Number,
    /// `true` or `false`; nothing is `false`.
    Flag,
    /// Texts, of which one must be equal.
    List,
}
