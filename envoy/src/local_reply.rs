//! Errors that Envoy itself answers, in the shape in which clients expect them.
//!
//! The filter shapes its own answers. What is left is what Envoy says before the filter runs (headers too large, a
//! request that never ends) or when it cannot run.

use serde_json::{Value, json};

use crate::proto::any;

/// `local_reply_config` of the listener.
pub(crate) fn in_error_shape() -> Value {
    json!({ "mappers": [
        filter_gone(),
        mapper("GE", 500, "gateway_error"),
        mapper("GE", 400, "invalid_request_error"),
    ] })
}

/// The filter's VM trapped while the request was in it. Another one takes its place at once.
fn filter_gone() -> Value {
    json!({
        "filter": cel("response.code_details == 'wasm_fail_stream'"),
        "headers_to_add": [{ "header": { "key": "retry-after", "value": "1" } }],
        "body_format_override": {
            "json_format": { "error": {
                "message": "the gateway restarted during this request",
                "type": "upstream_error",
                "code": "gateway_error",
                "param": null,
            } },
        },
    })
}

/// For answers with a status from `status` on that are not the filter's.
fn mapper(operator: &str, status: u16, kind: &str) -> Value {
    let from_status = json!({ "status_code_filter": { "comparison": {
        "op": operator,
        "value": { "default_value": status, "runtime_key": "kt.local_reply" },
    } } });
    let not_ours = cel(&format!("response.code_details != '{OUR_DETAILS}'"));
    json!({
        "filter": { "and_filter": { "filters": [from_status, not_ours] } },
        "body_format_override": {
            "json_format": { "error": {
                "message": "the gateway could not handle the request: %LOCAL_REPLY_BODY% (%RESPONSE_CODE_DETAILS%)",
                "type": kind,
                "code": "%RESPONSE_CODE_DETAILS%",
                "param": null,
            } },
        },
    })
}

fn cel(expression: &str) -> Value {
    json!({ "extension_filter": {
        "name": "envoy.access_loggers.extension_filters.cel",
        "typed_config": any(
            "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
            json!({ "expression": expression }),
        ),
    } })
}

/// What the filter gives as details of its own answers.
const OUR_DETAILS: &str = "keeptrusts";
