//! What an answer tells of the target that served it.

use crate::journey::Journey;

/// Headers of every answer that came from a provider (contract §4). `fallback_count` is the journey's, written out.
pub(super) fn answer_headers<'a>(
    journey: &'a Journey,
    index: usize,
    fallback_count: &'a str,
) -> [(&'static str, &'a str); 5] {
    let model = journey.entry(index).map(|entry| &*entry.model);
    [
        ("x-keeptrusts-provider", journey.target_id(index)),
        ("x-keeptrusts-model", model.unwrap_or_default()),
        ("x-keeptrusts-model-group", journey.group_name()),
        ("x-keeptrusts-fallback-count", fallback_count),
        ("x-keeptrusts-request-id", &journey.request_id),
    ]
}
