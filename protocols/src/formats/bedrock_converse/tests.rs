#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use catalog::providers;

use super::*;
use crate::ClientFormat;
use crate::translator::test_attempt;

#[test]
fn a_model_is_one_segment_whatever_its_id() {
    let mut attempt = test_attempt(ClientFormat::ChatCompletions, providers::BEDROCK);
    for (base, model, operation, expected) in [
        (
            "",
            "anthropic.claude-3-haiku-20240307-v1:0",
            Operation::Converse,
            "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse",
        ),
        (
            "/aws",
            "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/x.y-v1:0",
            Operation::ConverseStream,
            "/aws/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Fx.y-v1%3A0/converse-stream",
        ),
        (
            "",
            "../a?b#c",
            Operation::InvokeModel,
            "/model/..%2Fa%3Fb%23c/invoke",
        ),
    ] {
        attempt.base_path = base.to_owned();
        attempt.model = model.to_owned();
        assert_eq!(path(&attempt, operation).as_deref(), Ok(expected));
    }
    attempt.model = "..".to_owned();
    let error = path(&attempt, Operation::Converse).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("model"));
}
