//! `kt gateway run` with real Envoy: start, stop, keys, and changes of the policy.

mod common;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use common::{
    Gateway, POLICY, Scratch, eventually, files, get, inert_filter, kt, output, runs, send, text,
};

const KEYS: [&str; 2] = ["sk-from-the-environment", "sk-from-a-variable"];

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("policy-config.yaml", POLICY);
    scratch
}

#[test]
fn says_what_it_loaded_serves_and_leaves_nothing_behind() {
    let scratch = scratch();
    let mut gateway = Gateway::start(&scratch, |_| {});
    gateway.wait_for("Gateway ready");
    let said: Vec<String> = gateway
        .log()
        .into_iter()
        .filter(|line| line.contains("keeptrusts::gateway"))
        .collect();
    assert_eq!(
        said,
        [
            "INFO keeptrusts::gateway Loaded 2 provider(s), 1 policy(ies)",
            "INFO keeptrusts::gateway Provider openai-primary: priority=1, health_check=enabled",
            "INFO keeptrusts::gateway Provider anthropic-fallback: priority=2, health_check=enabled",
            "INFO keeptrusts::gateway Failover: strategy=priority, model_mappings=2",
            "INFO keeptrusts::gateway Gateway ready",
        ]
    );
    let health = gateway.health();
    assert_eq!(
        health["providers"].as_object().unwrap().len(),
        2,
        "{health}"
    );
    let (status, metrics) = gateway.get("/metrics");
    assert_eq!(status, 200);
    assert!(metrics.contains(r#"envoy_cluster_name="kt/openai-primary/30000ms""#));

    let envoy = gateway.envoy_pid();
    assert!(runs(envoy));
    gateway.signal("TERM");
    assert_eq!(gateway.ended().code(), Some(0));
    assert!(!runs(envoy), "Envoy is still there");
    assert!(!gateway.run_directory().exists());
    for (file, content) in files(&scratch.path("data")) {
        assert!(
            !KEYS.iter().any(|key| content.contains(key)),
            "a key stayed in {}",
            file.display()
        );
    }
}

#[test]
fn keys_are_in_private_files_and_nowhere_else() {
    let scratch = scratch();
    let gateway = Gateway::start_inert(&scratch);
    let folder = gateway.run_directory();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut holding = 0;
    for (file, content) in files(&scratch.path("data")) {
        if KEYS.iter().any(|key| content.contains(key)) {
            holding += 1;
            assert_eq!(file.parent().unwrap(), folder.join("secrets"));
            assert_eq!(
                (mode(&file), mode(file.parent().unwrap())),
                (0o600, 0o700),
                "{}",
                file.display()
            );
        }
    }
    assert_eq!(holding, 2);
    let environment = fs::read(format!("/proc/{}/environ", gateway.envoy_pid())).unwrap();
    assert!(
        !text(&environment).contains("sk-"),
        "Envoy's environment has a key"
    );
}

#[test]
fn envoy_does_not_outlive_a_kt_that_was_killed_and_the_next_one_cleans_up() {
    let scratch = scratch();
    let mut gateway = Gateway::start_inert(&scratch);
    let (envoy, left) = (gateway.envoy_pid(), gateway.run_directory());
    gateway.signal("KILL");
    gateway.ended();
    eventually("the end of Envoy", || !runs(envoy));
    assert!(left.exists());
    let _next = Gateway::start_inert(&scratch);
    assert!(!left.exists());
}

#[test]
fn a_dead_envoy_is_the_end_with_1() {
    let scratch = scratch();
    let mut gateway = Gateway::start_inert(&scratch);
    send("KILL", gateway.envoy_pid());
    assert_eq!(gateway.ended().code(), Some(1));
    gateway.wait_for("error: Envoy ended unexpectedly");
    assert!(!gateway.run_directory().exists());
}

#[test]
fn what_prevents_a_start_is_one_line_and_1() {
    let scratch = scratch();
    let policy = scratch.path("policy-config.yaml");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken_address = taken.local_addr().unwrap().to_string();
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = kt();
        command
            .args(["gateway", "run", "--data-dir"])
            .arg(scratch.path("data"))
            .args(arguments)
            .envs(variables.iter().copied());
        if !arguments.contains(&"--policy-config") {
            command.arg("--policy-config").arg(&policy);
        }
        let done = output(&mut command);
        let errors: Vec<String> = text(&done.stderr)
            .lines()
            .filter(|line| line.starts_with("error: "))
            .map(String::from)
            .collect();
        assert_eq!(errors.len(), 1, "{}", text(&done.stderr));
        assert_eq!(done.status.code(), Some(1));
        errors[0].clone()
    };
    let error = run(&["--listen", &taken_address], &[]);
    assert!(
        error.contains(&taken_address) && error.contains("the port is taken"),
        "{error}"
    );
    let error = run(&["--port", "0"], &[("ENVOY_BIN", "/no/envoy")]);
    assert!(error.contains("no Envoy: looked at /no/envoy"), "{error}");
    let error = run(&["--port", "0", "--filter-wasm", "/no/filter.wasm"], &[]);
    assert!(
        error.contains("no filter module: looked at /no/filter.wasm"),
        "{error}"
    );
    let error = run(&["--port", "0", "--policy-config", "/no/policy.yaml"], &[]);
    assert!(error.contains("cannot read /no/policy.yaml"), "{error}");
    let bad = scratch.write("bad.yaml", &POLICY.replace("version", "vresion"));
    let error = run(
        &["--port", "0", "--policy-config", bad.to_str().unwrap()],
        &[],
    );
    assert!(error.contains("bad.yaml has 1 error(s)"), "{error}");
    let error = run(&["--port", "0", "--admin-listen", "0.0.0.0:9901"], &[]);
    assert!(
        error.contains("must be on a loopback address, found 0.0.0.0:9901"),
        "{error}"
    );
    assert_eq!(
        files(&scratch.path("data/run")),
        [],
        "something was left behind"
    );
}

#[test]
fn a_module_that_is_none_is_the_end_with_1() {
    let scratch = scratch();
    let module = scratch.write("filter.wasm", "this is no wasm");
    let done = output(
        kt().args(["gateway", "run", "--port", "0", "--data-dir"])
            .arg(scratch.path("data"))
            .arg("--policy-config")
            .arg(scratch.path("policy-config.yaml"))
            .arg("--filter-wasm")
            .arg(module),
    );
    assert_eq!(done.status.code(), Some(1));
    assert!(
        text(&done.stderr).contains("error: Envoy "),
        "{}",
        text(&done.stderr)
    );
}

#[test]
fn a_good_change_is_taken_and_a_bad_one_refused() {
    let scratch = scratch();
    let gateway = Gateway::start(&scratch, |_| {});
    let providers = || -> Vec<String> {
        gateway.health()["providers"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(providers(), ["openai-primary", "anthropic-fallback"]);

    scratch.write(
        "policy-config.yaml",
        &POLICY
            .replace("openai-primary", "openai-new")
            .replace("127.0.0.1:9/", "127.0.0.1:10/"),
    );
    gateway.wait_for("Policy changed");
    assert_eq!(providers(), ["openai-new", "anthropic-fallback"]);
    assert!(
        gateway
            .log()
            .iter()
            .any(|line| line.contains("Provider openai-new: priority=1"))
    );

    scratch.write(
        "policy-config.yaml",
        &POLICY.replace("secret_key_ref", "secret"),
    );
    gateway.wait_for("Policy change refused, the old one stays: ");
    assert!(
        gateway
            .log()
            .iter()
            .any(|line| line.contains("error[E002]")),
        "{:#?}",
        gateway.log()
    );
    assert_eq!(providers(), ["openai-new", "anthropic-fallback"]);

    // In place, and back to the first one.
    fs::write(scratch.path("policy-config.yaml"), POLICY).unwrap();
    eventually("the first policy", || {
        providers() == ["openai-primary", "anthropic-fallback"]
    });
}

#[test]
fn a_change_that_the_system_has_no_room_for_is_tried_again() {
    let scratch = scratch();
    let gateway = Gateway::start_inert(&scratch);
    // Where the file would be written stands a folder.
    let obstacle = gateway.run_directory().join("clusters.next");
    fs::create_dir(&obstacle).unwrap();
    scratch.write(
        "policy-config.yaml",
        &POLICY.replace("http://127.0.0.1:9/v1", "http://127.0.0.1:7/v1"),
    );
    gateway.wait_for("cannot be taken over yet, the old one stays until it can: ");
    fs::remove_dir(&obstacle).unwrap();
    gateway.wait_for("Policy changed");
}

#[test]
fn a_signal_asks_for_a_look() {
    let scratch = scratch();
    // The moment it is ready, when it may not have begun to follow the policy.
    let gateway = Gateway::start_inert(&scratch);
    gateway.signal("HUP");
    gateway.wait_for("Policy is unchanged");
}

#[test]
fn a_key_that_comes_later_is_taken() {
    let scratch = scratch();
    fs::create_dir(scratch.path("secrets")).unwrap();
    let gateway = Gateway::start(&scratch, |command| {
        command
            .env_remove("ANTHROPIC_API_KEY")
            .env("KEEPTRUSTS_SECRETS_DIR", scratch.path("secrets"));
    });
    let reason = || gateway.health()["providers"]["anthropic-fallback"]["reason"].clone();
    gateway.wait_for("WARN keeptrusts::gateway Provider anthropic-fallback: no key (no file ");
    assert_eq!(reason(), "credential_missing");

    let file = scratch.write("secrets/ANTHROPIC_API_KEY", "sk-late\n");
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    gateway.wait_for("Provider anthropic-fallback: has its key now");
    eventually("its use", || reason() != "credential_missing");
    let written = files(&gateway.run_directory().join("secrets"));
    assert!(
        written
            .iter()
            .any(|(_, content)| content.contains(r#""sk-late""#))
    );
}

#[test]
fn a_key_file_that_others_can_read_is_told_of() {
    let scratch = scratch();
    fs::create_dir_all(scratch.path("data/secrets")).unwrap();
    let file = scratch.write("data/secrets/ANTHROPIC_API_KEY", "sk-open\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let gateway = Gateway::start_inert(&scratch);
    gateway.wait_for("others can read its key in");
    gateway.wait_for("(mode 0644, expected 0600)");
}

#[test]
fn the_collector_of_the_gateway_answers_and_ends_with_it() {
    let scratch = scratch();
    let mut gateway = Gateway::start(&scratch, |_| {});
    let address = gateway.collector().expect("there is one").to_owned();
    assert_eq!(get(&address, "/v1/health", "").0, 200);
    assert_eq!(get(&address, "/v1/events", "").0, 401);
    let token = |name: &str| fs::read_to_string(scratch.path("data").join(name)).unwrap();
    assert_eq!(
        get(&address, "/v1/events", token("api-token").trim()).0,
        200
    );

    // Envoy gets the token for deliveries in a private file, and the filter does not get it at all.
    let ingest = token("ingest-token").trim().to_owned();
    let holders: Vec<_> = files(&gateway.run_directory())
        .into_iter()
        .filter(|(_, content)| content.contains(&ingest))
        .map(|(file, _)| file)
        .collect();
    let secret = gateway.run_directory().join("secrets/collector.json");
    assert_eq!(holders, std::slice::from_ref(&secret));
    assert_eq!(
        fs::metadata(secret).unwrap().permissions().mode() & 0o777,
        0o600
    );

    gateway.signal("TERM");
    assert_eq!(gateway.ended().code(), Some(0));
    assert!(
        std::net::TcpStream::connect(&address).is_err(),
        "the collector is still there"
    );
}

#[test]
fn a_gateway_may_have_no_collector() {
    let gateway = Gateway::start_on(&scratch(), "127.0.0.1:0", "off", |_| {});
    assert_eq!(gateway.collector(), None);
    assert!(gateway.health()["providers"].is_object());
}

#[test]
fn the_network_is_let_in_with_keys_or_by_name() {
    let scratch = scratch();
    let policy = scratch.path("policy-config.yaml");
    let refused = |arguments: &[&str]| {
        let done = output(
            kt().args([
                "gateway",
                "run",
                "--listen",
                "0.0.0.0:0",
                "--collector-listen",
            ])
            .args(arguments)
            .arg("--policy-config")
            .arg(&policy)
            .arg("--data-dir")
            .arg(scratch.path("data")),
        );
        assert_eq!(done.status.code(), Some(1));
        let stderr = text(&done.stderr);
        assert!(
            stderr
                .lines()
                .last()
                .unwrap()
                .starts_with("error: refusing to listen on 0.0.0.0:0 without a gateway key"),
            "{stderr}"
        );
    };
    refused(&["127.0.0.1:0"]);
    refused(&["off"]);
    Gateway::start_on(&scratch, "0.0.0.0:0", "127.0.0.1:0", |command| {
        command
            .arg("--allow-anonymous")
            .args(inert_filter(&scratch));
    });
    let made = output(
        kt().args(["tokens", "create", "--name", "ci", "--data-dir"])
            .arg(scratch.path("data")),
    );
    assert!(made.status.success(), "{}", text(&made.stderr));
    Gateway::start_on(&scratch, "0.0.0.0:0", "127.0.0.1:0", |command| {
        command.args(inert_filter(&scratch));
    });
}
