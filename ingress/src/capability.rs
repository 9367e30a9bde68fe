//! Which targets support what a request requires, computed once per policy.

use catalog::{Endpoint, StreamUsage};
use policy::{Policy, Target, TargetId};
use protocols::exchange::Exchange;
use protocols::request_info::RequiredCapabilities;
use protocols::{Attempt, ClientFormat, UpstreamFormat};

use crate::upstream::upstream_format;

/// Every endpoint that is routed to a model; a row of the table has one column for each.
const FORMATS: [ClientFormat; 6] = [
    ClientFormat::ChatCompletions,
    ClientFormat::Completions,
    ClientFormat::Embeddings,
    ClientFormat::Responses,
    ClientFormat::AnthropicMessages,
    ClientFormat::AnthropicCountTokens,
];

/// The capabilities of all targets of a policy.
#[derive(Debug, Clone)]
pub(crate) struct CapabilityTable {
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    upstream: UpstreamFormat,
    served: [bool; FORMATS.len()],
}

impl CapabilityTable {
    /// Asks the exchanges themselves, so that the table cannot differ from them.
    pub(crate) fn of(policy: &Policy) -> Self {
        let row = |target: &Target| {
            let upstream = upstream_format(target.vendor);
            let served = FORMATS
                .map(|client| Exchange::new(capability_probe(target, client, "model")).is_ok());
            Row { upstream, served }
        };
        Self {
            rows: policy.targets.iter().map(row).collect(),
        }
    }

    /// Whether `target` serves this endpoint and supports what the request requires.
    pub(crate) fn can_serve(
        &self,
        target: TargetId,
        client: ClientFormat,
        required: RequiredCapabilities,
    ) -> bool {
        self.rows.get(target.0).is_some_and(|row| {
            let place = FORMATS.iter().position(|format| *format == client);
            let served = place
                .and_then(|place| row.served.get(place))
                .copied()
                .unwrap_or(false);
            served && required.are_met_by(row.upstream)
        })
    }
}

/// Whether the target serves the Responses API itself; merely compatible servers usually do not, and older API versions
/// do not have it.
pub fn has_native_responses(target: &Target) -> bool {
    let version = target.api_version.as_deref();
    let missing = version.is_some_and(|version| {
        let missing = target.vendor.endpoints_missing_in(version);
        missing.contains(Endpoint::Responses)
    });
    let native = target.vendor.profile().native_endpoints;
    native.contains(Endpoint::Responses) && !missing
}

/// The gateway can ask for a stream's usage on behalf of the client ([`Attempt::ask_for_usage`]).
pub fn supports_usage_injection(target: &Target, model: &str) -> bool {
    let dialect = target.vendor.dialect(target.api_version.as_deref(), model);
    match dialect.stream_usage {
        StreamUsage::Ask | StreamUsage::Optional => true,
        StreamUsage::Unasked | StreamUsage::Try => false,
    }
}

/// A minimal attempt at `target` with `model`: no stream, nothing from a client.
pub fn capability_probe(target: &Target, client: ClientFormat, model: &str) -> Attempt {
    Attempt {
        client,
        upstream: upstream_format(target.vendor),
        base_path: target.base_url.path.clone(),
        api_version: target.api_version.clone(),
        model: model.to_owned(),
        stream: false,
        include_usage: false,
        ask_for_usage: false,
        native_responses: has_native_responses(target),
        model_span: 0..0,
        default_max_tokens: 1,
        request_id: String::new(),
        created: 0,
        anthropic_version: None,
        anthropic_beta: None,
        metadata: None,
        fail_over_on_context_length: false,
        fail_over_on_content_policy: false,
    }
}
