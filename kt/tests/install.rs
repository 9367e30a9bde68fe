//! What `scripts/install` leaves: a `kt` that finds its module, completions that a shell takes, manual pages.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Scratch, kt, output, text};

/// Installed below a folder of its own.
fn installed(scratch: &Scratch) -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let module = scratch.write("filter.wasm", "");
    let prefix = scratch.path("prefix");
    let installation = output(
        Command::new(repository.join("scripts/install"))
            .arg(env!("CARGO_BIN_EXE_kt"))
            .args([&module, &prefix]),
    );
    let said = text(&installation.stderr);
    assert!(installation.status.success(), "{said}");
    prefix
}

#[test]
fn an_installed_kt_finds_its_module_and_bash_completes_it() {
    let scratch = Scratch::new();
    let prefix = installed(&scratch);
    let policy = scratch.write("policy-config.yaml", common::POLICY);
    let rendered = output(
        Command::new(prefix.join("bin/kt"))
            .args(["envoy", "render", "--policy-config"])
            .arg(policy)
            .current_dir(&prefix)
            .env_remove("KEEPTRUSTS_FILTER_WASM")
            .env("OPENAI_API_KEY", "sk-1")
            .env("ANTHROPIC_API_KEY", "sk-2"),
    );
    let said = text(&rendered.stderr);
    assert!(rendered.status.success(), "{said}");
    let module = prefix.join("lib/keeptrusts/keeptrusts_filter.wasm");
    assert!(text(&rendered.stdout).contains(module.to_str().unwrap()));

    let completed = output(
        Command::new("bash")
            .args(["--norc", "-c"])
            .arg("source \"$1\"; COMP_WORDS=(kt gate) COMP_CWORD=1; _kt kt gate kt; echo \"${COMPREPLY[*]}\"; complete -p kt")
            .arg("bash")
            .arg(prefix.join("share/bash-completion/completions/kt")),
    );
    let printed = text(&completed.stdout);
    assert!(printed.starts_with("gateway\n"), "{printed}");
    assert!(printed.contains("-F _kt kt"), "{printed}");

    let page = |name: &str| fs::read_to_string(prefix.join("share/man/man1").join(name)).unwrap();
    assert!(page("kt.1").contains(".TH kt 1"));
    assert!(page("kt-gateway-run.1").contains("policy\\-config"));
}

#[test]
fn every_shell_of_the_documentation_has_a_script() {
    for shell in ["bash", "zsh", "fish"] {
        let printed = text(&output(kt().args(["completions", shell])).stdout);
        assert!(printed.contains("provider-budget"), "{shell}: {printed}");
    }
    let page = text(&output(kt().arg("man")).stdout);
    assert!(page.contains(".SH SUBCOMMANDS"), "{page}");
}
