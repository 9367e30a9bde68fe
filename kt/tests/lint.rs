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
fn prices_in_force_are_listed_with_where_they_come_from() {
    let scratch = Scratch::new();
    let file = scratch.write(
        "policy-config.yaml",
        "
providers:
  targets:
    - {id: openai, provider: openai, secret_key_ref: {env: K}}
    - {id: server, base_url: 'http://127.0.0.1:9/v1', cost_per_1k_input: 0.5, cost_per_1k_output: 1}
model_groups:
  - name: cheap
    strategy: cost
    models:
      - {provider: openai, model: gpt-4o-mini-2024-07-18}
      - {provider: openai, model: gpt-4o, cost_per_1k_input: 0.002, cost_per_1k_output: 0.008}
      - {provider: server, model: gpt-4o}
  - name: any
    models:
      - {provider: openai, model: house-special}
      - {provider: openai}
",
    );
    let mut lint = kt();
    lint.args(["policy", "lint", "-v", "--file"]).arg(&file);
    let done = output(&mut lint);
    let said = text(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{said}");
    for line in [
        // List prices: 0.15, 0.075 and 0.60 US dollars per million tokens.
        "openai gpt-4o-mini-2024-07-18: 0.00015 in (0.000075 cached), 0.0006 out, by the built-in table of 2026-",
        "openai gpt-4o: 0.002 in, 0.008 out, by the policy",
        "server gpt-4o: 0.5 in, 1 out, by the policy",
        "openai house-special: no price is known",
        "openai the client's model: the price of that model, where it is known",
        "prices: US dollars per 1,000 tokens; where the policy gives none, list prices as of 2026-",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
}

#[test]
fn the_policy_may_be_named_without_an_option_or_come_by_standard_input() {
    let scratch = Scratch::new();
    let file = scratch.write("policy-config.yaml", POLICY);
    let by_name = output(kt().args(["policy", "lint"]).arg(&file));
    assert_eq!(by_name.status.code(), Some(0), "{}", text(&by_name.stdout));

    let mut by_pipe = kt();
    by_pipe.args(["policy", "lint", "-"]);
    by_pipe.stdin(std::fs::File::open(&file).unwrap());
    let done = output(&mut by_pipe);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    assert!(text(&done.stdout).contains("standard input: valid"));

    let neither = output(kt().args(["policy", "lint"]));
    assert_eq!(neither.status.code(), Some(2));
    assert!(text(&neither.stderr).contains("FILE"));
}

#[test]
fn a_program_reads_json_also_where_the_file_cannot_be_read() {
    let done = output(kt().args(["policy", "lint", "--json", "/nowhere/policy.yaml"]));
    assert_eq!(done.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["valid"], false);
    assert_eq!(report["errors"][0]["code"], "E000");
    let message = report["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("cannot read /nowhere/policy.yaml"),
        "{message}"
    );
}

/// Places of W109 in `document`, with what is suggested.
fn model_warnings(document: &str) -> Vec<(u64, String, Value)> {
    let scratch = Scratch::new();
    let file = scratch.write("policy-config.yaml", document);
    let done = output(kt().args(["policy", "lint", "--json", "--file"]).arg(&file));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    let warnings = report["warnings"].as_array().unwrap().iter();
    warnings
        .filter(|warning| warning["code"] == "W109")
        .map(|warning| {
            let message = warning["message"].as_str().unwrap().to_owned();
            let line = warning["line"].as_u64().unwrap();
            (line, message, warning["suggestion"].clone())
        })
        .collect()
}

#[test]
fn models_that_their_providers_do_not_serve_are_warned_of() {
    let document = "\
providers:
  targets:
    - {id: openai, provider: openai, secret_key_ref: {env: OPENAI_API_KEY}}
    - {id: proxy, provider: openai, base_url: 'http://127.0.0.1:9/v1', secret_key_ref: {env: OPENAI_API_KEY}}
model_groups:
  - name: chat
    models:
      - {provider: openai, model: gpt-4o-mni}
      - {provider: openai, model: gpt-4}
      - {provider: openai, model: gpt-5.5}
      - {provider: proxy, model: gpt-4}
";
    assert_eq!(
        model_warnings(document),
        [
            (
                8,
                String::from("model `gpt-4o-mni`: OpenAI is not known to serve such a model"),
                Value::from("use `gpt-4o-mini`")
            ),
            (
                9,
                String::from("model `gpt-4`: OpenAI no longer serves it, since 2026-10-23"),
                Value::from("use `gpt-5.5`")
            ),
        ]
    );
}

#[test]
fn list_prices_can_be_looked_up() {
    let prices = |arguments: &[&str]| output(kt().args(["prices", "list"]).args(arguments));
    let done = prices(&["--provider", "openai", "--json"]);
    let rows: Value = serde_json::from_slice(&done.stdout).unwrap();
    let rows = rows.as_array().unwrap();
    assert!(rows.iter().all(|row| row["provider"] == "openai"));
    let mini = rows.iter().find(|row| row["model"] == "gpt-4o-mini");
    let mini = mini.expect("gpt-4o-mini has a list price");
    // US dollars per million tokens.
    assert_eq!(
        (&mini["input"], &mini["cached_input"], &mini["output"]),
        (&0.15.into(), &0.075.into(), &0.6.into())
    );

    let table = text(&prices(&[]).stdout);
    assert!(table.contains("gpt-4o-mini"), "{table}");
    assert!(table.contains("claude-"), "{table}");

    let unknown = prices(&["--provider", "opnai"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("openai"));
}

#[test]
fn cost_needs_prices_only_where_none_are_known() {
    let scratch = Scratch::new();
    for (vendor, model, code) in [
        ("openai", "gpt-4o-mini", 0),
        ("openai", "house-special", 2),
        // The user's own server: what it calls its model says nothing of what it costs.
        ("openai-compatible", "gpt-4o-mini", 2),
    ] {
        let file = scratch.write(
            "policy-config.yaml",
            &format!(
                "
providers:
  targets:
    - {{id: a, provider: {{base_url: 'http://127.0.0.1:9/v1', type: {vendor}, secret_key_ref: {{env: K}}}}}}
model_groups: [{{name: g, strategy: cost, models: [{{provider: a, model: {model}}}]}}]
"
            ),
        );
        let done = output(kt().args(["policy", "lint", "--file"]).arg(&file));
        let said = text(&done.stdout);
        assert_eq!(done.status.code(), Some(code), "{vendor} {model}: {said}");
        assert_eq!(said.contains("E110"), code == 2, "{said}");
    }
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
