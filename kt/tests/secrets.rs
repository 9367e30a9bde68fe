//! Key files that change under a running gateway.

mod common;

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::{Gateway, POLICY, Scratch, eventually, files, inert_filter};

/// Longer than any number of looks that could take a bad key over.
const SOME_LOOKS: Duration = Duration::from_millis(1_200);

fn start(scratch: &Scratch) -> Gateway {
    Gateway::start(scratch, |command| {
        command
            .args(inert_filter(scratch))
            .env_remove("ANTHROPIC_API_KEY")
            .env("KEEPTRUSTS_SECRETS_DIR", scratch.path("secrets"));
    })
}

/// The key that Envoy has.
fn served(gateway: &Gateway) -> String {
    let written = files(&gateway.run_directory().join("secrets"));
    let of_target = |(path, content): &(std::path::PathBuf, String)| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("anthropic-fallback").then(|| {
            let found: serde_json::Value = serde_json::from_str(content).unwrap();
            found
                .pointer("/resources/0/generic_secret/secret/inline_string")
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
                .to_owned()
        })
    };
    written.iter().find_map(of_target).unwrap()
}

/// In place, as `echo >` and many programs do it.
fn overwrite(file: &Path, content: impl AsRef<[u8]>) {
    fs::write(file, content).unwrap();
}

#[test]
fn a_file_in_bad_shape_leaves_the_good_key_and_a_good_one_is_taken() {
    let scratch = Scratch::new();
    scratch.write("policy-config.yaml", POLICY);
    fs::create_dir(scratch.path("secrets")).unwrap();
    let file = scratch.write("secrets/ANTHROPIC_API_KEY", "sk-good\n");
    let gateway = start(&scratch);
    assert_eq!(served(&gateway), "sk-good");

    for bad in [
        &b""[..],
        b"\n",
        b"sk-\x01control",
        b"\xff\xfe",
        &[b'x'; 100_000],
    ] {
        let told = gateway.log().len();
        overwrite(&file, bad);
        eventually("the word on it", || {
            let log = gateway.log();
            log[told..]
                .iter()
                .any(|line| line.contains("its new key cannot be used"))
        });
        std::thread::sleep(SOME_LOOKS);
        assert_eq!(served(&gateway), "sk-good");
        overwrite(&file, "sk-good\n");
        eventually("its return", || {
            gateway.log()[told..]
                .iter()
                .any(|line| line.contains("can be read again"))
        });
    }
    // A folder in its place, which is as unreadable as a file without permission is to others than root.
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    gateway.wait_for("expected a file");
    assert_eq!(served(&gateway), "sk-good");
    fs::remove_dir(&file).unwrap();

    overwrite(&file, "sk-better\n");
    eventually("the new key", || served(&gateway) == "sk-better");
    fs::remove_file(&file).unwrap();
    gateway.wait_for("no key any more");
    eventually("its end", || served(&gateway).is_empty());
    assert!(!gateway.log().join("\n").contains("sk-"));
}

#[test]
fn a_key_that_is_written_in_pieces_never_serves_in_pieces() {
    let scratch = Scratch::new();
    scratch.write("policy-config.yaml", POLICY);
    fs::create_dir(scratch.path("secrets")).unwrap();
    let file = scratch.write("secrets/ANTHROPIC_API_KEY", "sk-old");
    let gateway = start(&scratch);
    // Another piece more often than anybody looks.
    let whole = "sk-new-0123456789";
    for end in 1..=whole.len() {
        overwrite(&file, &whole[..end]);
        for _ in 0..10 {
            let served = served(&gateway);
            assert!(served == "sk-old" || served == whole, "{served}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    eventually("the whole key", || served(&gateway) == whole);
}
