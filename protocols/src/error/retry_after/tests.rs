#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Headers and the delay they contain.
type Row = (&'static [(&'static str, &'static str)], Option<u64>);

fn headers<'a>(list: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a [u8])> {
    list.iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect()
}

#[test]
fn explicit_delays() {
    let table: &[Row] = &[
        (&[("retry-after", "12")], Some(12_000)),
        (&[("retry-after", " 12 ")], Some(12_000)),
        (&[("retry-after", "0")], Some(0)),
        (&[("retry-after", "1.5")], Some(1500)),
        (&[("retry-after", "0.0001")], Some(1)),
        (&[("retry-after-ms", "250")], Some(250)),
        (
            &[("retry-after-ms", "250.5"), ("retry-after", "1")],
            Some(251),
        ),
        (&[("retry-after-ms", "x"), ("retry-after", "1")], Some(1000)),
        (
            &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")],
            Some(37_000),
        ),
        (
            &[
                ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"),
                ("date", "Sun, 06 Nov 1994 08:49:30 GMT"),
            ],
            Some(7000),
        ),
        (&[("retry-after", "Sun, 06 Nov 1994 08:48:37 GMT")], Some(0)),
        (&[("retry-after", "-1")], None),
        (&[("retry-after", "1e9")], None),
        (&[("retry-after", "inf")], None),
        (&[("retry-after", ".")], None),
        (&[("retry-after", "")], None),
        (&[("retry-after", "soon")], None),
        (&[("x-ratelimit-reset-requests", "1s")], None),
        (&[], None),
    ];
    for (list, expected) in table {
        assert_eq!(
            explicit_ms(&headers(list), Some(784_111_740)),
            *expected,
            "{list:?}"
        );
    }
    let nines = "9".repeat(400);
    let enormous = headers(&[("retry-after", &nines)]);
    assert_eq!(explicit_ms(&enormous, None), Some(u64::MAX));
    assert_eq!(
        explicit_ms(
            &headers(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]),
            None
        ),
        None
    );
}

#[test]
fn resets_of_limits() {
    let table: &[Row] = &[
        (&[("x-ratelimit-reset-requests", "1m30s")], Some(90_000)),
        (&[("x-ratelimit-reset-requests", "20ms")], Some(20)),
        (&[("x-ratelimit-reset-requests", "2m59.56s")], Some(179_560)),
        (&[("x-ratelimit-reset-requests", "1h0m1s")], Some(3_601_000)),
        (&[("x-ratelimit-reset-requests", "7")], Some(7000)),
        (
            &[
                ("x-ratelimit-reset-requests", "1s"),
                ("x-ratelimit-reset-tokens", "6m0s"),
            ],
            Some(360_000),
        ),
        (
            &[
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "1s"),
                ("x-ratelimit-remaining-tokens", "149984"),
                ("x-ratelimit-reset-tokens", "6m0s"),
            ],
            Some(1000),
        ),
        (
            &[("anthropic-ratelimit-requests-reset", "1994-11-06T08:49:37Z")],
            Some(37_000),
        ),
        (
            &[
                ("anthropic-ratelimit-requests-reset", "1994-11-06T08:49:37Z"),
                ("anthropic-ratelimit-output-tokens-remaining", "0"),
                (
                    "anthropic-ratelimit-output-tokens-reset",
                    "1994-11-06T08:49:10Z",
                ),
            ],
            Some(10_000),
        ),
        (&[("x-ratelimit-reset", "30")], Some(30_000)),
        (&[("x-ratelimit-reset", "784111777")], Some(784_111_777_000)),
        (
            &[("x-ratelimit-reset", "1784111777")],
            Some(1_000_000_037_000),
        ),
        (
            &[("x-ratelimit-reset", "1784111777000")],
            Some(1_000_000_037_000),
        ),
        (&[("x-ratelimit-reset-requests", "1x")], None),
        (&[("x-ratelimit-reset-requests", "s")], None),
        (&[("x-ratelimit-reset-requests", "")], None),
        (&[], None),
    ];
    for (list, expected) in table {
        assert_eq!(
            limit_reset_ms(&headers(list), Some(784_111_740)),
            *expected,
            "{list:?}"
        );
    }
}
