//! `kt policy lint`: what it prints, and its verdict as exit code.

mod common;

use common::{POLICY, Scratch, kt, output, text};
use serde_json::Value;

#[test]
fn a_valid_policy_is_0_and_says_so() {
    let scratch = Scratch::new();
    let file = scratch.write("policy-config.yaml", POLICY);
    let mut lint = kt();
    lint.args(["policy", "lint", "--file"])
        .arg(&file)
        .env("OPENAI_API_KEY", "sk")
        .env("ANTHROPIC_API_KEY", "sk");
    let done = output(&mut lint);
    assert_eq!(done.status.code(), Some(0));
    assert_eq!(text(&done.stdout), format!("{}: valid\n", file.display()));
    assert_eq!(text(&done.stderr), "");

    let said = text(&output(lint.arg("-v")).stdout);
    assert!(
        said.contains("target openai-primary: openai, http://127.0.0.1:9/v1, timeout 30000 ms"),
        "{said}"
    );
    assert!(said.contains("policy content-filter"), "{said}");
}

#[test]
fn an_invalid_policy_is_2_with_the_place_of_every_error() {
    let scratch = Scratch::new();
    let file = scratch.write(
        "policy-config.yaml",
        &POLICY.replace("base_url", "base_ulr"),
    );
    let done = output(kt().args(["policy", "lint", "--file"]).arg(&file));
    assert_eq!(done.status.code(), Some(2));
    let said = text(&done.stdout);
    let place = format!("{}:6:7: error[E002]: ", file.display());
    assert!(said.contains(&place), "{said}");
    assert!(
        said.contains("6 |       base_ulr: http://127.0.0.1:9/v1"),
        "{said}"
    );
    assert!(said.contains("did you mean `base_url`?"), "{said}");
    assert!(said.contains(": invalid (2 errors"), "{said}");
}

#[test]
fn json_is_one_object_for_programs() {
    let scratch = Scratch::new();
    let file = scratch.write(
        "policy-config.yaml",
        &POLICY.replace("strategy: priority", "strategy: best"),
    );
    let done = output(kt().args(["policy", "lint", "--json", "--file"]).arg(&file));
    assert_eq!(done.status.code(), Some(2));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["valid"], false);
    assert_eq!(report["file"], file.to_str().unwrap());
    assert_eq!(report["errors"][0]["code"], "E108");
    assert_eq!(report["errors"][0]["path"], "failover.strategy");
    assert_eq!(
        (&report["errors"][0]["line"], &report["errors"][0]["column"]),
        (&16.into(), &13.into())
    );
    // The keys are not set here.
    assert_eq!(report["warnings"].as_array().unwrap().len(), 2);
}

#[test]
fn unset_keys_are_warnings_unless_strict() {
    let scratch = Scratch::new();
    let file = scratch.write("policy-config.yaml", POLICY);
    let lint = |strict: bool, with_keys: bool| {
        let mut lint = kt();
        lint.args(["policy", "lint", "--file"]).arg(&file);
        if strict {
            lint.arg("--strict");
        }
        if with_keys {
            std::fs::create_dir_all(scratch.path("secrets")).unwrap();
            scratch.write("secrets/ANTHROPIC_API_KEY", "sk\n");
            lint.env("OPENAI_API_KEY", "sk")
                .env("KEEPTRUSTS_SECRETS_DIR", scratch.path("secrets"));
        }
        output(&mut lint).status.code()
    };
    assert_eq!(lint(false, false), Some(0));
    assert_eq!(lint(true, false), Some(2));
    assert_eq!(lint(true, true), Some(0));
}

#[test]
fn a_file_that_is_not_there_is_no_verdict() {
    let done = output(kt().args(["policy", "lint", "--file", "/no/such/policy.yaml"]));
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(text(&done.stdout), "");
    assert!(
        text(&done.stderr).starts_with("error: cannot read /no/such/policy.yaml: "),
        "{}",
        text(&done.stderr)
    );
}

#[test]
fn the_schema_is_json() {
    let done = output(kt().args(["policy", "schema"]));
    assert_eq!(done.status.code(), Some(0));
    let schema: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert!(schema.is_object());
}
