//! One JSON line for each request. No query string and no credential header is in it.

use serde_json::{Value, json};

use crate::proto::extension;

/// Appends to the file `path`.
pub(crate) fn file(path: &str) -> Value {
    extension(
        "envoy.access_loggers.file",
        "envoy.extensions.access_loggers.file.v3.FileAccessLog",
        json!({ "path": path, "log_format": { "json_format": {
            "time": "%START_TIME%",
            "request_id": "%STREAM_ID%",
            "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
            "method": "%REQ(:METHOD)%",
            "path": "%PATH(NQ:ORIG_OR_PATH)%",
            "protocol": "%PROTOCOL%",
            "status": "%RESPONSE_CODE%",
            "details": "%RESPONSE_CODE_DETAILS%",
            "flags": "%RESPONSE_FLAGS%",
            "model_group": "%RESP(X-KEEPTRUSTS-MODEL-GROUP)%",
            "provider": "%RESP(X-KEEPTRUSTS-PROVIDER)%",
            "model": "%RESP(X-KEEPTRUSTS-MODEL)%",
            "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
            "bytes_received": "%BYTES_RECEIVED%",
            "bytes_sent": "%BYTES_SENT%",
            "duration_ms": "%DURATION%",
            "first_byte_ms": "%RESPONSE_DURATION%",
            // The same as OpenTelemetry's conventions and the exported events call them.
            "http.request.method": "%REQ(:METHOD)%",
            "url.path": "%PATH(NQ:ORIG_OR_PATH)%",
            "http.response.status_code": "%RESPONSE_CODE%",
            "client.address": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
            "keeptrusts.request_id": "%STREAM_ID%",
            "keeptrusts.model_group": "%RESP(X-KEEPTRUSTS-MODEL-GROUP)%",
            "keeptrusts.provider": "%RESP(X-KEEPTRUSTS-PROVIDER)%",
            "keeptrusts.fallback_count": "%RESP(X-KEEPTRUSTS-FALLBACK-COUNT)%",
            "gen_ai.response.model": "%RESP(X-KEEPTRUSTS-MODEL)%",
        } } }),
    )
}
