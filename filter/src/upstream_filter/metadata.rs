//! What an answer tells of the target that served it.

use crate::request_context::RequestContext;

/// Headers of every answer that came from a provider (contract §4). `fallback_count` is the request's, written out.
pub(super) fn answer_headers<'a>(
    context: &'a RequestContext,
    index: usize,
    fallback_count: &'a str,
) -> [(&'static str, &'a str); 5] {
    let model = context.entry(index).map(|entry| &*entry.model);
    [
        ("x-keeptrusts-provider", context.target_id(index)),
        ("x-keeptrusts-model", model.unwrap_or_default()),
        ("x-keeptrusts-model-group", context.group_name()),
        ("x-keeptrusts-fallback-count", fallback_count),
        ("x-keeptrusts-request-id", &context.request_id),
    ]
}
