//! The collector answers as its OpenAPI document says: Schemathesis makes requests of the document and judges the answers.

use std::path::PathBuf;
use std::process::Stdio;

use harness::{Collector, repository};

/// The program, from `SCHEMATHESIS_BIN` or the path.
fn schemathesis() -> Option<PathBuf> {
    let named = std::env::var_os("SCHEMATHESIS_BIN").map(PathBuf::from);
    let program = named.unwrap_or_else(|| PathBuf::from("schemathesis"));
    let asked = std::process::Command::new(&program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let found = asked.is_ok_and(|status| status.success());
    if !found {
        println!("skipped: there is no schemathesis; PyPI has it, SCHEMATHESIS_BIN names it");
    }
    found.then_some(program)
}

#[tokio::test]
async fn no_answer_differs_from_the_document() {
    let Some(program) = schemathesis() else {
        return;
    };
    let collector = Collector::start().await;
    let output = tokio::process::Command::new(program)
        .arg("run")
        .arg(repository().join("collector/schema/openapi.json"))
        .args(["--url", &collector.url()])
        .args(["--header", &format!("Authorization: Bearer {}", Collector::API_TOKEN)])
        .args(["--checks", "not_a_server_error,status_code_conformance,response_schema_conformance,content_type_conformance"])
        // A test message goes to the webhook's address, whatever that is.
        .args(["--exclude-path-regex", "webhooks/.*/test"])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--no-color"])
        .current_dir(std::env::temp_dir())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Test cases:"), "{said}");
}
