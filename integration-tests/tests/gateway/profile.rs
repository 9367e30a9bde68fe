//! `make profile`, which drives the filter module without Envoy: it runs, and counts what the module asks of its proxy.

use std::path::PathBuf;
use std::process::Command;

/// What a request to a healthy failover group costs at its border, in calls of the proxy: the clock twice on the way in and
/// once on the way out, the head and body of the request read and written once, those of the answer as well, three values
/// of state set and one read, and `:authority`. The rest is news of health, once in a millisecond.
const CALLS_OF_A_JSON_REQUEST: f64 = 16.0;

#[test]
fn a_request_is_profiled_and_costs_no_more_calls_than_it_should() {
    let module = std::env::var_os("KEEPTRUSTS_FILTER_WASM").expect("the filter module");
    let script = harness::repository().join("filter/profile/profile.mjs");
    let output = Command::new("node")
        .arg("--no-liftoff")
        .args([script, PathBuf::from(module)])
        .args(["json", "200"])
        .output()
        .expect("node, which `make test` needs for the wasm tests anyway");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let calls = said
        .lines()
        .find(|line| line.starts_with("=== json:"))
        .and_then(|line| line.rsplit("; ").next())
        .and_then(|calls| calls.strip_suffix(" calls of the proxy"))
        .and_then(|calls| calls.parse::<f64>().ok());
    let calls = calls.unwrap_or_else(|| panic!("expected a number of calls, found {said}"));
    let news = 2.0;
    assert!(
        (CALLS_OF_A_JSON_REQUEST..CALLS_OF_A_JSON_REQUEST + news).contains(&calls),
        "{calls} calls"
    );
}
