//! Which targets can say what a request asks for, worked out once for each policy.

use policy::{Policy, Target, TargetId, Vendor};
use protocols::exchange::Exchange;
use protocols::request_info::RequiredCapabilities;
use protocols::{Attempt, ClientFormat, UpstreamFormat};

use crate::upstream::upstream_format;

/// Every endpoint that goes to a model; a row of the table has one place for each.
const FORMATS: [ClientFormat; 6] = [
    ClientFormat::ChatCompletions,
    ClientFormat::Completions,
    ClientFormat::Embeddings,
    ClientFormat::Responses,
    ClientFormat::AnthropicMessages,
    ClientFormat::AnthropicCountTokens,
];

/// The abilities of all targets of a policy.
#[derive(Debug, Clone)]
pub(crate) struct Abilities {
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    upstream: UpstreamFormat,
    served: [bool; FORMATS.len()],
}

impl Abilities {
    /// Asks the exchanges themselves, so that the table cannot differ from what they do.
    pub(crate) fn of(policy: &Policy) -> Self {
        let row = |target: &Target| {
            let upstream = upstream_format(target.vendor.profile().wire);
            let served =
                FORMATS.map(|client| Exchange::new(plain_attempt(target, client, "model")).is_ok());
            Row { upstream, served }
        };
        Self {
            rows: policy.targets.iter().map(row).collect(),
        }
    }

    /// Whether `target` serves this endpoint and has what the request needs.
    pub(crate) fn can_serve(
        &self,
        target: TargetId,
        client: ClientFormat,
        needs: RequiredCapabilities,
    ) -> bool {
        self.rows.get(target.0).is_some_and(|row| {
            let place = FORMATS.iter().position(|format| *format == client);
            let served = place
                .and_then(|place| row.served.get(place))
                .copied()
                .unwrap_or(false);
            served && needs.are_met_by(row.upstream)
        })
    }
}

/// OpenAI itself and Azure serve the Responses API; whatever is merely compatible usually does not.
pub fn has_native_responses(target: &Target) -> bool {
    matches!(target.vendor, Vendor::OpenAi | Vendor::AzureOpenAi)
}

/// Azure refuses `stream_options` in the versions before this one.
const AZURE_COUNTS_STREAMS_SINCE: &str = "2024-09-01";

/// A stream's usage may be asked for in the client's place ([`Attempt::ask_for_usage`]).
pub fn can_be_asked_for_usage(target: &Target) -> bool {
    let is_too_old = target.vendor == Vendor::AzureOpenAi
        && target
            .api_version
            .as_deref()
            .is_some_and(|version| version < AZURE_COUNTS_STREAMS_SINCE);
    target.vendor.counts_streams_when_asked() && !is_too_old
}

/// The plainest attempt at `target` with `model`: no stream, nothing that the client brought.
pub fn plain_attempt(target: &Target, client: ClientFormat, model: &str) -> Attempt {
    Attempt {
        client,
        upstream: upstream_format(target.vendor.profile().wire),
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
