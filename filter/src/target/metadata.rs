//! What an answer tells of the target that served it.

use crate::journey::Journey;

/// Headers of every answer that came from a provider (contract §4).
pub(super) fn answer_headers(journey: &Journey, index: usize) -> [(&'static str, String); 5] {
    let model = journey.entry(index).map(|entry| entry.model.to_string());
    [
        ("x-keeptrusts-provider", journey.target_id(index).to_owned()),
        ("x-keeptrusts-model", model.unwrap_or_default()),
        ("x-keeptrusts-model-group", journey.group_name().to_owned()),
        (
            "x-keeptrusts-fallback-count",
            journey.fallback_count(index).to_string(),
        ),
        ("x-keeptrusts-request-id", journey.request_id.clone()),
    ]
}
