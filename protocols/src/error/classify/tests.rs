#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use ErrorKind::{
    Authentication, ContentPolicy, ContextLength, EndpointNotFound, InvalidRequest, ModelNotFound,
    NotFound, Overloaded, Permission, QuotaExhausted, RateLimited, Refused, RequestTooLarge,
    Server, Timeout,
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
            EndpointNotFound,
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
        // Overloaded, whatever the status.
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
        // Proxies in between.
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
            Refused,
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
        let error = classify(Provider::COMPATIBLE, *status, &[], body.as_bytes());
        assert_eq!(
            (error.status, error.kind, error.message.as_str()),
            (*status, *kind, *message),
            "{body}"
        );
    }
}

/// Bodies as observed, by who must act. Only a body that blames the key may count against a target.
#[test]
fn who_is_at_fault_for_a_refusal() {
    let table: &[(u16, &str, ErrorKind)] = &[
        // Moderation: the client's prompt.
        (
            403,
            r#"{"error":{"code":403,"message":"Input flagged","metadata":{"reasons":["violence"],"flagged_input":"my invalid api key","provider_name":"OpenAI","model_slug":"openai/gpt-4o"}},"user_id":"u"}"#,
            ContentPolicy,
        ),
        (
            403,
            r#"{"error":{"message":"openai/gpt-4o requires moderation on OpenAI. Your input was flagged for \"violence\". No credits were charged.","code":403}}"#,
            ContentPolicy,
        ),
        (
            403,
            r#"{"code":"The caller does not have permission to execute the specified operation","error":"Content violates usage guidelines. Team: x, API key ID: y, Model: grok-4, Failed check: SAFETY_CHECK_TYPE_BIO"}"#,
            ContentPolicy,
        ),
        (
            400,
            r#"{"error":{"message":"Content Exists Risk","type":"invalid_request_error"}}"#,
            ContentPolicy,
        ),
        // Firewalls, networks, regions: the fault is unknown.
        (
            403,
            "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head><body>Sorry, you have been blocked. token api key</body></html>",
            Refused,
        ),
        (
            403,
            "<html>\n<head><title>403 Forbidden</title></head>\n<center>nginx</center></html>",
            Refused,
        ),
        (
            403,
            r#"{"error":{"type":"forbidden","message":"Request not allowed"}}"#,
            Refused,
        ),
        (
            403,
            r#"{"error":{"code":"403","message":"Access denied due to Virtual Network/Firewall rules."}}"#,
            Refused,
        ),
        (
            403,
            r#"{"error":{"code":403,"message":"Provider returned error","metadata":{"raw":"no","provider_name":"x"}}}"#,
            Refused,
        ),
        (
            403,
            r#"{"error":{"code":403,"message":"The caller does not have permission","status":"PERMISSION_DENIED"}}"#,
            Refused,
        ),
        (403, r#"{"message":"Forbidden"}"#, Refused),
        (403, "", Refused),
        (
            403,
            r#"{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","param":null,"type":"request_forbidden"}}"#,
            Refused,
        ),
        (
            400,
            r#"[{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}]"#,
            Refused,
        ),
        (451, "Unavailable For Legal Reasons", Refused),
        // The key.
        (
            403,
            r#"{"error":{"code":403,"message":"Your API key was reported as leaked. Please use another API key.","status":"PERMISSION_DENIED"}}"#,
            Authentication,
        ),
        (
            403,
            r#"[{"error":{"code":403,"message":"Requests to this API are blocked.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_SERVICE_BLOCKED"}]}}]"#,
            Authentication,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"API key expired. Please renew the API key.","status":"INVALID_ARGUMENT"}}"#,
            Authentication,
        ),
        (
            400,
            r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: na***ys. You can obtain an API key from https://console.x.ai."}"#,
            Authentication,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"This organization has been disabled."}}"#,
            Authentication,
        ),
        (
            401,
            r#"{"error":{"code":"PermissionDenied","message":"Principal does not have access to API/Operation."}}"#,
            Permission,
        ),
        (
            403,
            r#"{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: model.request.","type":"invalid_request_error"}}"#,
            Permission,
        ),
        (
            403,
            r#"{"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission to use the specified resource."}}"#,
            Permission,
        ),
        // Billing.
        (
            403,
            r#"{"code":"x","error":"Your newly created team doesn't have any credits yet. You can purchase credits on https://console.x.ai."}"#,
            QuotaExhausted,
        ),
        (
            401,
            r#"{"error":{"message":"pay","type":"insufficient_quota","code":401}}"#,
            QuotaExhausted,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."}}"#,
            QuotaExhausted,
        ),
        // The model.
        (
            403,
            r#"{"error":{"message":"Project `proj_1` does not have access to model `gpt-5`","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
            ModelNotFound,
        ),
        (
            400,
            r#"{"error":{"message":"The model `mixtral` has been decommissioned and is no longer supported.","type":"invalid_request_error","code":"model_decommissioned"}}"#,
            ModelNotFound,
        ),
        (
            400,
            r#"{"error":{"message":"nope/nope is not a valid model ID","code":400}}"#,
            ModelNotFound,
        ),
        (
            404,
            r#"{"error":{"message":"No endpoints found for nope/nope.","code":404}}"#,
            ModelNotFound,
        ),
        (
            400,
            r#"{"error":{"message":"Model Not Exist","type":"invalid_request_error","code":"invalid_request_error"}}"#,
            ModelNotFound,
        ),
        (
            400,
            r#"{"object":"error","message":"Invalid model: nope","type":"invalid_model","param":null,"code":"1500"}"#,
            ModelNotFound,
        ),
        (
            400,
            r#"{"error":{"code":"1211","message":"模型不存在"}}"#,
            ModelNotFound,
        ),
        (
            400,
            r#"{"success":false,"errors":[{"code":5007,"message":"No such model @cf/nope or task"}],"result":{},"messages":[]}"#,
            ModelNotFound,
        ),
        (
            400,
            r#"{"error":{"code":"OperationNotSupported","message":"The chatCompletion operation does not work with the specified model, x."}}"#,
            ModelNotFound,
        ),
        (
            410,
            r#"{"error":{"message":"The model `x` is gone","type":"invalid_request_error"}}"#,
            ModelNotFound,
        ),
        // No such endpoint.
        (404, "404 page not found\n", EndpointNotFound),
        (404, r#"{"detail":"Not Found"}"#, EndpointNotFound),
        (
            404,
            r#"{"error":{"message":"Invalid URL (POST /v1/nope)","type":"invalid_request_error","param":null,"code":null}}"#,
            EndpointNotFound,
        ),
        (
            404,
            "<html><head><title>404 Not Found</title></head></html>",
            EndpointNotFound,
        ),
        (404, "", EndpointNotFound),
        (405, r#"{"detail":"Method Not Allowed"}"#, EndpointNotFound),
        (410, "Gone", EndpointNotFound),
        (421, "Misdirected Request", EndpointNotFound),
        // The client.
        (
            404,
            r#"{"error":{"message":"Previous response with id 'resp_1' not found.","type":"invalid_request_error","param":"previous_response_id","code":"previous_response_not_found"}}"#,
            NotFound,
        ),
        (
            400,
            r#"{"error":{"message":"Invalid value: 'api key not valid'. Supported values are: 'low' and 'high'.","type":"invalid_request_error","param":"reasoning_effort","code":"invalid_value"}}"#,
            InvalidRequest,
        ),
        (
            400,
            r#"{"error":{"message":"'incorrect api key provided' is not one of ['auto', 'none']","type":"invalid_request_error"}}"#,
            InvalidRequest,
        ),
        // More than the account may send in a minute: waiting does not help.
        (
            429,
            r#"{"error":{"message":"Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 61337. The input or output tokens must be reduced in order to run successfully.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
            Refused,
        ),
        (
            413,
            r#"{"error":{"message":"Request too large for model `llama-3.3-70b-versatile` in organization `org_1` on tokens per minute (TPM): Limit 12000, Requested 14137","type":"tokens","code":"rate_limit_exceeded"}}"#,
            Refused,
        ),
    ];
    for (status, body, kind) in table {
        let error = classify(Provider::COMPATIBLE, *status, &[], body.as_bytes());
        assert_eq!((error.status, error.kind), (*status, *kind), "{body}");
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
        (403, "AccessDeniedException", "no", Refused),
        (
            403,
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.",
            ModelNotFound,
        ),
        (
            403,
            "AccessDeniedException",
            "Authentication failed: Please make sure your API Key is valid.",
            Authentication,
        ),
        (
            403,
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/a is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:eu-west-1::foundation-model/x because no identity-based policy allows it",
            ModelNotFound,
        ),
        (
            400,
            "ValidationException",
            "Invocation of model ID x with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.",
            ModelNotFound,
        ),
        (
            404,
            "ResourceNotFoundException",
            "Access denied. This Model is marked by provider as Legacy and you have not been actively using the model.",
            ModelNotFound,
        ),
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
            Provider::COMPATIBLE,
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
    let error = classify(Provider::COMPATIBLE, 400, &[], typed);
    assert_eq!((error.kind, error.message.as_str()), (RateLimited, "slow"));
}

#[test]
fn code_and_param_are_kept() {
    let error = classify(
        Provider::COMPATIBLE,
        400,
        &[],
        br#"{"error":{"message":"m","code":"content_filter","param":"prompt","type":null}}"#,
    );
    assert_eq!(
        (error.code.as_deref(), error.param.as_deref()),
        (Some("content_filter"), Some("prompt"))
    );
    let numeric = classify(
        Provider::COMPATIBLE,
        400,
        &[],
        br#"{"error":{"message":"m","code":400}}"#,
    );
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
    assert_eq!(
        classify(Provider::COMPATIBLE, 429, &[], google).retry_after_ms,
        Some(34_070)
    );
    assert_eq!(
        classify(
            Provider::COMPATIBLE,
            429,
            &headers(&[("retry-after", "2")]),
            google
        )
        .retry_after_ms,
        Some(2000)
    );
    let limits = headers(&[("x-ratelimit-reset-requests", "1m30s")]);
    assert_eq!(
        classify(Provider::COMPATIBLE, 429, &limits, b"").retry_after_ms,
        Some(90_000)
    );
    assert_eq!(
        classify(Provider::COMPATIBLE, 500, &limits, b"").retry_after_ms,
        None,
        "limits stand in every answer"
    );
    assert_eq!(
        classify(
            Provider::COMPATIBLE,
            503,
            &headers(&[("retry-after", "2")]),
            b""
        )
        .retry_after_ms,
        Some(2000)
    );
}

#[test]
fn a_status_that_is_no_error_becomes_502() {
    for status in [0, 101, 302, 600, 999] {
        assert_eq!(
            classify(Provider::COMPATIBLE, status, &[], b"").status,
            502,
            "{status}"
        );
    }
}

#[test]
fn long_and_broken_text_is_cut_at_a_character() {
    let long = "é".repeat(10_000);
    assert!(
        classify(Provider::COMPATIBLE, 400, &[], long.as_bytes())
            .message
            .len()
            <= MAX_MESSAGE_BYTES + 3
    );
    let json = serde_json::json!({"error": {"message": format!("a{long}")}}).to_string();
    assert_eq!(
        classify(Provider::COMPATIBLE, 400, &[], json.as_bytes())
            .message
            .len(),
        MAX_MESSAGE_BYTES - 1
    );
    assert_eq!(
        classify(Provider::COMPATIBLE, 400, &[], b"\xff").message,
        "\u{fffd}"
    );
}
