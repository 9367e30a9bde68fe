#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn a_request_continues_the_trace_of_its_caller() {
    let context = TraceContext::below(PARENT, SpanId::new(0xab)).unwrap();
    assert_eq!(
        context.trace_id.to_string(),
        "4bf92f3577b34da6a3ce929d0e0e4736"
    );
    assert_eq!(
        context.parent_span_id.unwrap().to_string(),
        "00f067aa0ba902b7"
    );
    assert!(context.sampled);
    assert_eq!(
        context.traceparent(SpanId::new(0xcd)),
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00000000000000cd-01"
    );
    let unsampled = PARENT.replace("-01", "-00");
    let context = TraceContext::below(&unsampled, SpanId::new(1)).unwrap();
    assert!(!context.sampled);
    assert!(context.traceparent(SpanId::new(1)).ends_with("-00"));
}

#[test]
fn only_a_traceparent_is_one() {
    let taken = [
        PARENT.to_owned(),
        // A later version may say more.
        PARENT.replacen("00", "cc", 1) + "-what-follows",
        PARENT.replacen("00", "cc", 1),
    ];
    for text in taken {
        assert!(
            TraceContext::below(&text, SpanId::new(1)).is_some(),
            "{text}"
        );
    }
    let refused = [
        String::new(),
        PARENT.to_uppercase(),
        format!("{PARENT}-more"),
        PARENT.replacen("00", "ff", 1),
        PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
        PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)),
        PARENT.replace("-01", "-0x"),
        PARENT.replace('-', "_"),
        "é".repeat(40),
    ];
    for text in refused {
        assert_eq!(TraceContext::below(&text, SpanId::new(1)), None, "{text}");
    }
}

#[test]
fn no_id_is_all_zero() {
    assert_eq!(TraceId::new(0).to_string(), format!("{:032x}", 1));
    assert_eq!(SpanId::new(0).to_string(), format!("{:016x}", 1));
}
