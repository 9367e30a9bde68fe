//! Compares the token estimate with the real tokenizer: `cargo test -p keeptrusts-routing --test tokens -- --nocapture`
//! prints the table.
//!
//! `tests/data/tokens` holds texts written for this purpose (none was used to fit the estimate) and their real counts
//! in `o200k_base`, produced by `count.mjs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::path::Path;

/// Largest allowed error, in percent.
fn tolerance(kind: &str) -> f64 {
    match kind {
        "english" => 15.0,
        "code" | "cjk" => 25.0,
        // No guarantee, but nothing absurd.
        _ => 40.0,
    }
}

#[test]
fn the_estimate_is_close_to_the_real_tokenizer() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tokens");
    let counts = std::fs::read_to_string(data.join("counts.tsv")).unwrap();
    println!(
        "{:8} {:18} {:>6} {:>9} {:>7}",
        "kind", "text", "real", "estimate", "error"
    );
    let mut failures = Vec::new();
    for line in counts.lines() {
        let [kind, name, real] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not three columns: {line}");
        };
        let text = std::fs::read_to_string(data.join(kind).join(name)).unwrap();
        let real: u32 = real.parse().unwrap();
        let estimate = routing::tokens::of_text(&text);
        let error = (f64::from(estimate) / f64::from(real) - 1.0) * 100.0;
        println!("{kind:8} {name:18} {real:6} {estimate:9} {error:+6.1}%");
        if error.abs() > tolerance(kind) {
            failures.push(name.to_owned());
        }
    }
    assert!(failures.is_empty(), "too far off: {failures:?}");
}
