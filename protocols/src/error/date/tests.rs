#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn http_dates() {
    let table = [
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777_000)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777_000)),
        ("Sun Nov  6 08:49:37 1994", Some(784_111_777_000)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
        ("Thu, 29 Feb 2024 12:00:00 GMT", Some(1_709_208_000_000)),
        ("Wed, 29 Feb 2023 12:00:00 GMT", None),
        ("Sun, 06 Nov 1994 24:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 CET", None),
        ("06 Nov 1994", None),
        ("soon", None),
        ("", None),
    ];
    for (text, expected) in table {
        assert_eq!(http_date_ms(text), expected, "{text}");
    }
}

#[test]
fn rfc3339_dates() {
    let table = [
        ("1994-11-06T08:49:37Z", Some(784_111_777_000)),
        ("1994-11-06T08:49:37.5Z", Some(784_111_777_500)),
        ("1994-11-06T08:49:37.123456Z", Some(784_111_777_123)),
        ("1994-11-06T09:49:37+01:00", Some(784_111_777_000)),
        ("1994-11-06T03:19:37-05:30", Some(784_111_777_000)),
        ("1994-11-06", None),
        ("1994-13-06T08:49:37Z", None),
        ("1994-11-06T08:49Z", None),
        ("99999999999999999999-11-06T08:49:37Z", None),
    ];
    for (text, expected) in table {
        assert_eq!(rfc3339_ms(text), expected, "{text}");
    }
}
