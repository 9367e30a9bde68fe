//! `kt envoy render`: what it prints is complete, says what it needs, and holds no key.

mod common;

use common::{POLICY, Scratch, kt, output, text};

fn render(scratch: &Scratch, arguments: &[&str]) -> String {
    let done = output(
        kt().args(["envoy", "render", "--policy-config"])
            .arg(scratch.path("policy-config.yaml"))
            .arg("--secrets-dir")
            .arg(scratch.path("secrets"))
            .env("OPENAI_API_KEY", "sk-variable")
            .args(arguments),
    );
    assert!(done.status.success(), "{}", text(&done.stderr));
    let rendered = text(&done.stdout);
    assert!(!rendered.contains("sk-"), "{rendered}");
    rendered
}

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("policy-config.yaml", POLICY);
    std::fs::create_dir(scratch.path("secrets")).unwrap();
    scratch.write("secrets/ANTHROPIC_API_KEY", "sk-file\n");
    scratch
}

#[test]
fn a_bootstrap_reads_keys_where_they_are() {
    let scratch = scratch();
    let rendered = render(&scratch, &[]);
    let file = scratch.path("secrets/ANTHROPIC_API_KEY");
    assert!(
        rendered.contains("# Needs keys in its environment: OPENAI_API_KEY\n"),
        "{rendered}"
    );
    assert!(rendered.contains("environment_variable: OPENAI_API_KEY\n"));
    assert!(
        rendered.contains(&format!("filename: {}\n", file.display())),
        "{rendered}"
    );
    assert!(rendered.contains("port_value: 41002\n"));
    assert!(rendered.contains("port_value: 9901\n"));
}

#[test]
fn istio_gets_one_envoy_filter_for_its_gateway() {
    let rendered = render(
        &scratch(),
        &[
            "--target",
            "istio-envoyfilter",
            "--namespace",
            "mesh",
            "--workload",
            "app=gw",
            "--filter-wasm",
            "/m.wasm",
        ],
    );
    assert!(rendered.contains("\nkind: EnvoyFilter\n"));
    assert!(rendered.contains("  namespace: mesh\n"));
    assert!(rendered.contains("      app: gw\n"));
    assert!(rendered.contains("filename: /m.wasm\n"));
    assert!(rendered.contains("port_value: 15000\n"));
    // Istio ignores a bootstrap patch, and what names a static secret then crashes Envoy.
    assert!(!rendered.contains("BOOTSTRAP"), "{rendered}");
    assert!(!rendered.contains("environment_variable"), "{rendered}");
    assert!(!rendered.contains("refresh_cluster_on_retry"), "{rendered}");
}

#[test]
fn what_runs_in_kubernetes_reads_its_keys_from_one_secret() {
    let targets = ["istio", "istio-envoyfilter", "envoy-gateway", "kubernetes"];
    for target in targets {
        let rendered = render(&scratch(), &["--target", target, "--namespace", "mesh"]);
        for part in [
            "# 1. kubectl -n mesh create secret generic keeptrusts-keys",
            "     --from-literal=ANTHROPIC_API_KEY=\"$ANTHROPIC_API_KEY\"",
            "     --from-literal=OPENAI_API_KEY=\"$OPENAI_API_KEY\"",
            "/etc/keeptrusts/keys/OPENAI_API_KEY",
            "/etc/keeptrusts/keys/target-",
        ] {
            let found =
                rendered.contains(part) || target == "kubernetes" && part.starts_with("# 1.");
            assert!(found, "{target}: {part:?} in {rendered}");
        }
        assert!(!rendered.contains("environment_variable"), "{target}");
    }
}

#[test]
fn an_older_envoy_gets_what_it_knows() {
    for (version, is_direct) in [("1.36", false), ("1.38.2", false), ("1.39", true)] {
        let rendered = render(
            &scratch(),
            &["--envoy-version", version, "--filter-wasm", "/m.wasm"],
        );
        let has_refresh = rendered.contains("refresh_cluster_on_retry");
        assert_eq!(has_refresh, is_direct, "{version}");
        let has_prefix = rendered.contains("header_value_prefix");
        assert_eq!(has_prefix, version != "1.36", "{version}");
    }
    let refused = output(kt().args([
        "envoy",
        "render",
        "--policy-config",
        "p",
        "--envoy-version",
        "1.35",
    ]));
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(
        said.contains("Envoy 1.35.0 is too old: expected 1.36.0 or later"),
        "{said}"
    );
}

#[test]
fn compose_mounts_module_and_keys() {
    let scratch = scratch();
    let rendered = render(
        &scratch,
        &[
            "--target",
            "compose",
            "--listen",
            "0.0.0.0:8080",
            "--filter-wasm",
            "./f.wasm",
        ],
    );
    let file = scratch.path("secrets/ANTHROPIC_API_KEY");
    assert!(
        rendered.contains("# Needs keys in its environment: OPENAI_API_KEY\n"),
        "{rendered}"
    );
    assert!(rendered.contains("\"127.0.0.1:8080:8080\""));
    assert!(rendered.contains("target: /var/lib/keeptrusts/keeptrusts_filter.wasm\n"));
    assert!(rendered.contains("OPENAI_API_KEY: \"${OPENAI_API_KEY:?set it}\"\n"));
    assert!(
        rendered.contains(&format!("file: {}\n", file.display())),
        "{rendered}"
    );
    assert!(rendered.contains("filename: /run/secrets/ANTHROPIC_API_KEY\n"));
}

#[test]
fn an_invalid_policy_is_not_rendered() {
    let scratch = scratch();
    scratch.write(
        "policy-config.yaml",
        &POLICY.replace("providers", "provders"),
    );
    let done = output(
        kt().args(["envoy", "render", "--policy-config"])
            .arg(scratch.path("policy-config.yaml")),
    );
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(text(&done.stdout), "");
    assert!(
        text(&done.stderr).contains("error[E002]"),
        "{}",
        text(&done.stderr)
    );
}

#[test]
fn a_collector_is_reached_with_a_token_from_the_environment() {
    for target in ["bootstrap", "fragment", "compose"] {
        let rendered = render(
            &scratch(),
            &[
                "--target",
                target,
                "--filter-wasm",
                "/m.wasm",
                "--collector-url",
                "https://collector.example",
                "--require-keys",
            ],
        );
        for part in [
            ", KEEPTRUSTS_COLLECTOR_TOKEN\n",
            "environment_variable: KEEPTRUSTS_COLLECTOR_TOKEN\n",
            "sni: collector.example\n",
        ] {
            assert!(rendered.contains(part), "{target}: {part:?} in {rendered}");
        }
        assert!(rendered.contains("keys_required") && rendered.contains("kt/collector"));
    }
}
