#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn paths_and_formats_belong_together() {
    use ClientFormat::{
        AnthropicCountTokens, AnthropicMessages, ChatCompletions, Completions, Embeddings,
        Responses,
    };
    for format in [
        ChatCompletions,
        Completions,
        Embeddings,
        Responses,
        AnthropicMessages,
        AnthropicCountTokens,
    ] {
        assert_eq!(ClientFormat::from_path(format.path()), Some(format));
        assert_eq!(
            ClientFormat::from_path(&format!("{}?beta=true", format.path())),
            Some(format)
        );
    }
    for unknown in [
        "",
        "/",
        "/v1/models",
        "/v1/chat/completions/",
        "/V1/embeddings",
        "v1/embeddings",
    ] {
        assert_eq!(ClientFormat::from_path(unknown), None, "{unknown}");
    }
}
