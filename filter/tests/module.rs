//! The module that ships, in a wasm engine without Envoy: Node's, which is the one that Envoy has.
#![allow(clippy::panic, clippy::disallowed_methods)]
#![cfg(not(target_arch = "wasm32"))]

use std::path::PathBuf;
use std::process::Command;

#[test]
fn serves_fails_over_streams_and_survives_a_trap_without_envoy() {
    let Some(module) = std::env::var_os("KEEPTRUSTS_FILTER_WASM") else {
        println!("skipped: KEEPTRUSTS_FILTER_WASM names no module (`make test` builds one)");
        return;
    };
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("profile/module.test.mjs");
    let run = Command::new("node")
        .args(["--test", "--test-reporter=spec"])
        .arg(script)
        .env("KEEPTRUSTS_FILTER_WASM", module)
        .output();
    let output = match run {
        Ok(output) => output,
        Err(error) => {
            println!("skipped: node does not start ({error})");
            return;
        }
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("pass 5"), "{said}");
}
