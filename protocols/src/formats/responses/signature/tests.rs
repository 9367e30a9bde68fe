#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn only_our_own_signatures_go_back_and_only_to_who_knows_them() {
    for (upstream, content, want) in [
        (UpstreamFormat::Anthropic, "kt-signature:s=", Some("s=")),
        (UpstreamFormat::Bedrock, "kt-signature:s=", Some("s=")),
        (UpstreamFormat::Anthropic, "gAAAAA", None),
        (UpstreamFormat::Anthropic, "kt-signature:", None),
        (UpstreamFormat::OpenAi, "kt-signature:s=", None),
    ] {
        let found = signature(upstream, Text::Escaped(content));
        assert_eq!(found, want.map(Text::Plain), "{upstream:?} {content}");
    }
}
