#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn text(body: &[u8]) -> &str {
    std::str::from_utf8(body).unwrap()
}

#[test]
fn both_shapes() {
    let error = ProviderError {
        param: Some("stop".to_owned()),
        ..ProviderError::new(ErrorKind::InvalidRequest, "a \"b\"")
    };
    assert_eq!(
        text(&openai_body(&error)),
        r#"{"error":{"message":"a \"b\"","type":"invalid_request_error","code":null,"param":"stop"}}"#
    );
    assert_eq!(
        text(&anthropic_body(&error)),
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"a \"b\""}}"#
    );
}

#[test]
fn the_providers_code_goes_before_ours() {
    let error = ProviderError::new(ErrorKind::ContentPolicy, "no");
    assert!(text(&openai_body(&error)).contains(r#""code":"content_policy_violation""#));
    assert!(
        text(&openai_body(&error.with_code("content_filter")))
            .contains(r#""code":"content_filter""#)
    );
}

#[test]
fn quota_beside_429_is_a_rate_limit_to_anthropics_clients() {
    let error = ProviderError::new(ErrorKind::QuotaExhausted, "no");
    assert!(text(&anthropic_body(&error)).contains("rate_limit_error"));
    assert!(
        text(&anthropic_body(&ProviderError {
            status: 402,
            ..error
        }))
        .contains("billing_error")
    );
}

#[test]
fn errors_in_streams() {
    let error = ProviderError::new(ErrorKind::Overloaded, "busy");
    let table = [
        (
            ClientFormat::ChatCompletions,
            "data: {\"error\":{\"message\":\"busy\",\"type\":\"server_error\",\"code\":\"overloaded\",\"param\":null}}\n\n",
        ),
        (
            ClientFormat::AnthropicMessages,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n",
        ),
        (
            ClientFormat::Responses,
            "event: error\ndata: {\"type\":\"error\",\"code\":\"overloaded\",\"message\":\"busy\",\"param\":null,\"sequence_number\":0}\n\n",
        ),
    ];
    for (client, expected) in table {
        let mut out = Vec::new();
        write_stream_error(&mut out, client, &error);
        assert_eq!(text(&out), expected);
    }
}

#[test]
fn the_gateways_own_errors() {
    let body = |client| {
        gateway_error_body(
            client,
            404,
            "invalid_request_error",
            Some("model_not_found"),
            "no x",
            Some("model"),
        )
    };
    assert_eq!(
        text(&body(ClientFormat::Embeddings)),
        r#"{"error":{"message":"no x","type":"invalid_request_error","code":"model_not_found","param":"model"}}"#
    );
    assert_eq!(
        text(&body(ClientFormat::AnthropicCountTokens)),
        r#"{"type":"error","error":{"type":"not_found_error","message":"no x"}}"#
    );
}

#[test]
fn anthropics_clients_get_the_details_by_which_they_mend_their_request() {
    let details = r#"{"error_code":"thread_unsupported_request","unsupported":["hipaa"]}"#;
    let error = ProviderError {
        details: Some(details.to_owned()),
        ..ProviderError::new(ErrorKind::InvalidRequest, "no threads")
    };
    assert!(text(&anthropic_body(&error)).contains(&format!(r#""details":{details}}}"#)));
    assert!(!text(&openai_body(&error)).contains("details"));

    let refused = |client, param| {
        let body = gateway_error_body(
            client,
            400,
            "invalid_request_error",
            None,
            "no",
            Some(param),
        );
        text(&body).to_owned()
    };
    let told = refused(ClientFormat::AnthropicMessages, "thread");
    let body: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        body["error"]["details"]["error_code"],
        "thread_unsupported_request"
    );
    assert!(
        body["error"]["details"]["unsupported"][0].is_string(),
        "{told}"
    );
    assert!(!refused(ClientFormat::AnthropicMessages, "diagnostics").contains("details"));
    assert!(!refused(ClientFormat::ChatCompletions, "thread").contains("details"));
}
