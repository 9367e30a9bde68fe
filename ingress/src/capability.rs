//! Which targets support what a request requires, computed once per policy.

use catalog::{Dialect, Endpoint};
use policy::{Policy, Target, TargetId};
use protocols::exchange::Exchange;
use protocols::request_info::{RequestTraits, RequiredCapabilities};
use protocols::{Attempt, ClientFormat, UpstreamFormat};

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
    dialect: Dialect,
    served: [bool; FORMATS.len()],
}

impl CapabilityTable {
    /// Asks the exchanges themselves, so that the table cannot differ from them.
    pub(crate) fn of(policy: &Policy) -> Self {
        let row = |target: &Target| {
            // What models of one provider take differs in little of this.
            let dialect = target.dialect("");
            let served = FORMATS
                .map(|client| Exchange::new(capability_probe(target, client, "model")).is_ok());
            Row {
                upstream: target.vendor.format(),
                dialect,
                served,
            }
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
            served && required.are_met_by(row.upstream, &row.dialect)
        })
    }
}

/// A minimal attempt at `target` with `model`: no stream, nothing from a client.
pub fn capability_probe(target: &Target, client: ClientFormat, model: &str) -> Attempt {
    Attempt {
        client,
        provider: target.vendor,
        quirks: target.quirks,
        base_path: target.base_url.path.clone(),
        api_version: target.api_version.clone(),
        model: model.to_owned(),
        stream: false,
        include_usage: false,
        ask_for_usage: false,
        native_responses: target.serves(Endpoint::Responses),
        model_span: 0..0,
        traits: RequestTraits::ANYTHING,
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
