//! What each target prints stands in `envoy/` for the quickstart policy.

use std::fs;
use std::path::Path;
use std::process::Command;

const POLICY: &str = "examples/quickstart/policy-config.yaml";

/// File below `envoy/` and the arguments that print it.
const FILES: [(&str, &[&str]); 8] = [
    (
        "bootstrap.yaml",
        &["--target", "bootstrap", ON_DISK, CA_FILE],
    ),
    (
        "bootstrap-1.36.yaml",
        &[
            "--target",
            "bootstrap",
            "--envoy-version",
            "1.36",
            ON_DISK,
            CA_FILE,
        ],
    ),
    ("fragment.yaml", &["--target", "fragment", ON_DISK, CA_FILE]),
    ("istio.yaml", &["--target", "istio"]),
    ("istio-envoyfilter.yaml", &["--target", "istio-envoyfilter"]),
    ("envoy-gateway.yaml", &["--target", "envoy-gateway"]),
    ("kubernetes.yaml", &["--target", "kubernetes"]),
    (
        "compose.yaml",
        &[
            "--target",
            "compose",
            "--filter-wasm=./keeptrusts_filter.wasm",
        ],
    ),
];
const ON_DISK: &str = "--filter-wasm=/etc/keeptrusts/keeptrusts_filter.wasm";
const CA_FILE: &str = "--ca-file=/etc/ssl/certs/ca-certificates.crt";

#[test]
fn the_files_in_envoy_are_what_the_targets_print() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut stale = Vec::new();
    for (name, arguments) in FILES {
        let output = Command::new(env!("CARGO_BIN_EXE_kt"))
            .current_dir(&root)
            .args(["envoy", "render", "--policy-config", POLICY])
            .args(["--secrets-dir", "/nowhere"])
            .args(arguments)
            .env_remove("KEEPTRUSTS_FILTER_WASM")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {said}");
        let printed = String::from_utf8(output.stdout).unwrap();
        let file = root.join("envoy").join(name);
        if std::env::var_os("UPDATE_ENVOY_FILES").is_some() {
            fs::write(&file, &printed).unwrap();
        } else if fs::read_to_string(&file).ok() != Some(printed) {
            stale.push(name);
        }
    }
    assert!(
        stale.is_empty(),
        "{stale:?} in envoy/ are not what `kt envoy render` prints: run `make envoy-files`"
    );
}

#[test]
fn the_readme_names_every_file() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/README.md");
    let readme = fs::read_to_string(readme).unwrap();
    for (name, _) in FILES {
        assert!(readme.contains(&format!("[{name}]({name})")), "{name}");
    }
}
