#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use ErrorKind::{
    Authentication, ContentPolicy, ContextLength, InvalidRequest, ModelNotFound, NotFound,
    Overloaded, Permission, QuotaExhausted, RateLimited, RequestTooLarge, Server, Timeout,
};

fn headers<'a>(list: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a [u8])> {
    list.iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect()
}

#[test]
fn what_providers_say_and_what_it_means() {
    let table: &[(u16, &str, ErrorKind, &str)] = &[
        // OpenAI
        (
            400,
            r#"{"error":{"message":"bad","type":"invalid_request_error","param":"x","code":null}}"#,
            InvalidRequest,
            "bad",
        ),
        (
            401,
            r#"{"error":{"message":"Incorrect API key","type":"invalid_request_error","code":"invalid_api_key"}}"#,
            Authentication,
            "Incorrect API key",
        ),
        (
            404,
            r#"{"error":{"message":"The model `x` does not exist","type":"invalid_request_error","code":"model_not_found"}}"#,
            ModelNotFound,
            "The model `x` does not exist",
        ),
        (
            429,
            r#"{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}"#,
            RateLimited,
            "slow down",
        ),
        (
            429,
            r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            QuotaExhausted,
            "You exceeded your current quota",
        ),
        (
            400,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
            ContextLength,
            "This model's maximum context length is 8192 tokens.",
        ),
        (
            500,
            r#"{"error":{"message":"The server had an error","type":"server_error"}}"#,
            Server,
            "The server had an error",
        ),
        // Azure
        (
            400,
            r#"{"error":{"code":"content_filter","message":"filtered","type":null,"inner_error":{"code":"ResponsibleAIPolicyViolation"}}}"#,
            ContentPolicy,
            "filtered",
        ),
        (
            400,
            r#"{"error":{"code":null,"message":"filtered","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
            ContentPolicy,
            "filtered",
        ),
        (
            404,
            r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
            ModelNotFound,
            "The API deployment for this resource does not exist.",
        ),
        (
            404,
            r#"{"error":{"code":"404","message":"Resource not found"}}"#,
            NotFound,
            "Resource not found",
        ),
        (
            401,
            r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key"}}"#,
            Authentication,
            "Access denied due to invalid subscription key",
        ),
        (
            429,
            r#"{"error":{"code":"429","message":"Requests have exceeded call rate limit"}}"#,
            RateLimited,
            "Requests have exceeded call rate limit",
        ),
        // Anthropic
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
            ContextLength,
            "prompt is too long: 210000 tokens > 200000 maximum",
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#,
            QuotaExhausted,
            "Your credit balance is too low to access the Anthropic API.",
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}"#,
            ContentPolicy,
            "Output blocked by content filtering policy",
        ),
        (
            402,
            r#"{"type":"error","error":{"type":"billing_error","message":"pay"}}"#,
            QuotaExhausted,
            "pay",
        ),
        (
            403,
            r#"{"type":"error","error":{"type":"permission_error","message":"no"}}"#,
            Permission,
            "no",
        ),
        (
            404,
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-0"}}"#,
            ModelNotFound,
            "model: claude-0",
        ),
        (
            413,
            r#"{"type":"error","error":{"type":"request_too_large","message":"big"}}"#,
            RequestTooLarge,
            "big",
        ),
        (
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            Overloaded,
            "Overloaded",
        ),
        // Overloaded, whatever the status
        (
            400,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            Overloaded,
            "Overloaded",
        ),
        // Ollama
        (
            404,
            r#"{"error":"model 'nope' not found"}"#,
            ModelNotFound,
            "model 'nope' not found",
        ),
        (
            404,
            r#"{"error":{"message":"model 'nope' not found","type":"not_found_error","param":null,"code":null}}"#,
            ModelNotFound,
            "model 'nope' not found",
        ),
        // Google
        (
            429,
            r#"{"error":{"code":429,"message":"Resource has been exhausted","status":"RESOURCE_EXHAUSTED"}}"#,
            RateLimited,
            "Resource has been exhausted",
        ),
        (
            400,
            r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}]"#,
            Authentication,
            "API key not valid. Please pass a valid API key.",
        ),
        (
            404,
            r#"[{"error":{"code":404,"message":"models/foo is not found for API version v1main","status":"NOT_FOUND"}}]"#,
            ModelNotFound,
            "models/foo is not found for API version v1main",
        ),
        (
            503,
            r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#,
            Overloaded,
            "The model is overloaded.",
        ),
        // vLLM, FastAPI, llama.cpp
        (
            400,
            r#"{"object":"error","message":"max_tokens must be positive","type":"BadRequestError","param":null,"code":400}"#,
            InvalidRequest,
            "max_tokens must be positive",
        ),
        (
            404,
            r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}"#,
            ModelNotFound,
            "The model `x` does not exist.",
        ),
        (
            401,
            r#"{"detail":"Unauthorized"}"#,
            Authentication,
            "Unauthorized",
        ),
        (
            422,
            r#"{"detail":[{"loc":["body","messages",0],"msg":"field required"}]}"#,
            InvalidRequest,
            "body.messages.0: field required",
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#,
            ContextLength,
            "the request exceeds the available context size",
        ),
        // Proxies on the way
        (
            502,
            "<html>\n<head><TITLE>502 Bad Gateway</TITLE></head></html>",
            Server,
            "502 Bad Gateway",
        ),
        (
            503,
            "Service Unavailable",
            Overloaded,
            "Service Unavailable",
        ),
        (
            504,
            "",
            Timeout,
            "the provider answered 504 without a message",
        ),
        (408, "stream timeout", Timeout, "stream timeout"),
        (
            403,
            "<html>forbidden</html>",
            Permission,
            "the provider answered 403 without a message",
        ),
        (599, "Unknown error", Server, "Unknown error"),
        (
            500,
            "{}",
            Server,
            "the provider answered 500 without a message",
        ),
        (
            400,
            "null",
            InvalidRequest,
            "the provider answered 400 without a message",
        ),
        (
            418,
            r#"{"error":{"message":""}}"#,
            InvalidRequest,
            "the provider answered 418 without a message",
        ),
    ];
    for (status, body, kind, message) in table {
        let error = classify(*status, &[], body.as_bytes());
        assert_eq!(
            (error.status, error.kind, error.message.as_str()),
            (*status, *kind, *message),
            "{body}"
        );
    }
}

#[test]
fn bedrock_names_the_class_in_a_header() {
    let table = [
        (
            400,
            "ValidationException:http://internal.amazon.com/coral/",
            "messages: field is required",
            InvalidRequest,
        ),
        (
            400,
            "ValidationException",
            "Input is too long for requested model.",
            ContextLength,
        ),
        (
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
            ModelNotFound,
        ),
        (403, "AccessDeniedException", "no", Permission),
        (
            403,
            "UnrecognizedClientException",
            "The security token is invalid.",
            Authentication,
        ),
        (
            404,
            "ResourceNotFoundException",
            "Could not resolve the foundation model",
            ModelNotFound,
        ),
        (408, "ModelTimeoutException", "slow", Timeout),
        (424, "ModelErrorException", "model", Server),
        (429, "ThrottlingException", "slow down", RateLimited),
        (429, "ModelNotReadyException", "wait", RateLimited),
        (
            400,
            "ServiceQuotaExceededException",
            "quota",
            QuotaExhausted,
        ),
        (503, "ServiceUnavailableException", "busy", Overloaded),
    ];
    for (status, class, message, kind) in table {
        let body = serde_json::json!({ "message": message }).to_string();
        let error = classify(
            status,
            &headers(&[("x-amzn-errortype", class)]),
            body.as_bytes(),
        );
        assert_eq!(
            (error.status, error.kind, error.message.as_str()),
            (status, kind, message),
            "{class}"
        );
        assert_eq!(error.code.as_deref(), class.split(':').next());
    }
    let typed = br#"{"__type":"com.amazon.coral.service#ThrottlingException","Message":"slow"}"#;
    let error = classify(400, &[], typed);
    assert_eq!((error.kind, error.message.as_str()), (RateLimited, "slow"));
}

#[test]
fn code_and_param_are_kept() {
    let error = classify(
        400,
        &[],
        br#"{"error":{"message":"m","code":"content_filter","param":"prompt","type":null}}"#,
    );
    assert_eq!(
        (error.code.as_deref(), error.param.as_deref()),
        (Some("content_filter"), Some("prompt"))
    );
    let numeric = classify(400, &[], br#"{"error":{"message":"m","code":400}}"#);
    assert_eq!(
        (numeric.code.as_deref(), numeric.param),
        (Some("400"), None)
    );
}

#[test]
fn errors_without_a_status() {
    let table: &[(&str, &str, ErrorKind, u16)] = &[
        (
            "error",
            r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#,
            Overloaded,
            503,
        ),
        (
            "error",
            r#"{"type":"error","error":{"type":"api_error","message":"x"}}"#,
            Server,
            500,
        ),
        (
            "error",
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"x"}}"#,
            InvalidRequest,
            400,
        ),
        (
            "",
            r#"{"error":{"message":"x","type":"server_error","code":null}}"#,
            Server,
            500,
        ),
        ("", r#"{"error":{"message":"x","code":502}}"#, Server, 502),
        (
            "",
            r#"{"error":{"message":"x","code":429}}"#,
            RateLimited,
            429,
        ),
        ("", r#"{"error":"x"}"#, Server, 500),
        (
            "",
            r#"{"object":"error","message":"x","code":400}"#,
            InvalidRequest,
            400,
        ),
        (
            "throttlingException",
            r#"{"message":"x"}"#,
            RateLimited,
            429,
        ),
        (
            "validationException",
            r#"{"message":"x"}"#,
            InvalidRequest,
            400,
        ),
        (
            "modelStreamErrorException",
            r#"{"message":"x"}"#,
            Server,
            500,
        ),
        ("internalServerException", r#"{"message":"x"}"#, Server, 500),
        (
            "response.failed",
            r#"{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"x"}}}"#,
            RateLimited,
            429,
        ),
        (
            "error",
            r#"{"type":"error","code":"server_error","message":"x","param":null}"#,
            Server,
            500,
        ),
        ("error", "x", Server, 500),
    ];
    for (name, data, kind, status) in table {
        let error = classify_in_stream(name, data.as_bytes());
        assert_eq!(
            (error.kind, error.status, error.message.as_str()),
            (*kind, *status, "x"),
            "{data}"
        );
    }
}

#[test]
fn delays_come_from_headers_and_from_googles_details() {
    let google = br#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.07s"}]}}"#;
    assert_eq!(classify(429, &[], google).retry_after_ms, Some(34_070));
    assert_eq!(
        classify(429, &headers(&[("retry-after", "2")]), google).retry_after_ms,
        Some(2000)
    );
    let limits = headers(&[("x-ratelimit-reset-requests", "1m30s")]);
    assert_eq!(classify(429, &limits, b"").retry_after_ms, Some(90_000));
    assert_eq!(
        classify(500, &limits, b"").retry_after_ms,
        None,
        "limits stand in every answer"
    );
    assert_eq!(
        classify(503, &headers(&[("retry-after", "2")]), b"").retry_after_ms,
        Some(2000)
    );
}

#[test]
fn a_status_that_is_no_error_becomes_502() {
    for status in [0, 101, 302, 600, 999] {
        assert_eq!(classify(status, &[], b"").status, 502, "{status}");
    }
}

#[test]
fn long_and_broken_text_is_cut_at_a_character() {
    let long = "é".repeat(10_000);
    assert!(classify(400, &[], long.as_bytes()).message.len() <= MAX_MESSAGE_BYTES + 3);
    let json = serde_json::json!({"error": {"message": format!("a{long}")}}).to_string();
    assert_eq!(
        classify(400, &[], json.as_bytes()).message.len(),
        MAX_MESSAGE_BYTES - 1
    );
    assert_eq!(classify(400, &[], b"\xff").message, "\u{fffd}");
}
