//! Where `kt events export` writes, and where it does not; what is never printed.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::common::{kt, output, text};
use crate::store::{Sample, Seeded};

fn export(seeded: &Seeded, path: &Path) {
    seeded.kt(&["events", "export", "--output", path.to_str().unwrap()]);
}

#[test]
fn a_file_is_private_and_nothing_planted_beside_it_is_followed() {
    let seeded = Seeded::with([Sample::default()]);
    let folder = seeded.scratch.path("out");
    fs::create_dir(&folder).unwrap();
    let (file, victim) = (folder.join("events.csv"), folder.join("victim"));
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, folder.join("events.csv.part")).unwrap();
    export(&seeded, &file);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(fs::read_to_string(&file).unwrap().starts_with("id,"));
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_written() {
    let seeded = Seeded::with([Sample::default()]);
    let (link, target) = (seeded.scratch.path("link"), seeded.scratch.path("target"));
    fs::write(&target, "old").unwrap();
    symlink(&target, &link).unwrap();
    export(&seeded, &link);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&target).unwrap().starts_with("id,"));
    let nowhere = seeded.scratch.path("nowhere");
    symlink(seeded.scratch.path("absent"), &nowhere).unwrap();
    let refused = seeded.error(&["events", "export", "--output", nowhere.to_str().unwrap()]);
    assert!(refused.contains("leads nowhere"), "{refused}");
}

#[test]
fn pipes_and_devices_are_written_to_and_stay_what_they_are() {
    let seeded = Seeded::with([Sample::default()]);
    let pipe = seeded.scratch.path("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || {
            let mut read = String::new();
            fs::File::open(pipe)
                .unwrap()
                .read_to_string(&mut read)
                .unwrap();
            read
        })
    };
    export(&seeded, &pipe);
    assert!(reader.join().unwrap().starts_with("id,"));
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    // A link to a device, so that a wrong answer costs the machine nothing.
    let null = seeded.scratch.path("null");
    symlink("/dev/null", &null).unwrap();
    export(&seeded, &null);
    assert!(fs::symlink_metadata(&null).unwrap().is_symlink());
    let printed = seeded.kt(&["events", "export", "--output", "/dev/stdout"]);
    assert!(printed.starts_with("id,"), "{printed}");
}

#[test]
fn a_mistyped_url_does_not_show_its_password() {
    let policy = "policy-config.yaml";
    for arguments in [
        &[
            "gateway",
            "run",
            "--policy-config",
            policy,
            "--store",
            "clickhose://u:hunter2@h/d",
        ][..],
        &[
            "gateway",
            "run",
            "--policy-config",
            policy,
            "--store",
            "u:hunter2@h",
        ],
        &[
            "gateway",
            "run",
            "--policy-config",
            policy,
            "--collector-url",
            "http://u:hunter2@h",
        ],
        &[
            "gateway",
            "run",
            "--policy-config",
            policy,
            "--collector-url",
            "http://h/?token=hunter2",
        ],
        &[
            "gateway",
            "run",
            "--policy-config",
            policy,
            "--collector-ulr",
            "http://u:hunter2@h",
        ],
        &[
            "envoy",
            "render",
            "--policy-config",
            policy,
            "--collector-url",
            "htp//u:hunter2@h",
        ],
        &["collector", "run", "--store", "clickhouse//u:hunter2@h"],
        &["events", "tail", "--api-url", "http://u:hunter2@h"],
        &["events", "tail", "--store", "clickhouse//u:hunter2@h"],
    ] {
        let done = output(kt().args(arguments));
        assert!(!done.status.success());
        let said = text(&done.stderr) + &text(&done.stdout);
        assert!(!said.contains("hunter2"), "{arguments:?}: {said}");
    }
    let done = output(
        kt().args(["collector", "run"])
            .env("KEEPTRUSTS_STORE", "clickhose://u:hunter2@h"),
    );
    assert!(!text(&done.stderr).contains("hunter2"));
}

#[test]
fn names_of_models_may_have_spaces_between_them_and_must_be_names() {
    let seeded = Seeded::with([Sample::default()]);
    let made = seeded.json(&[
        "tokens", "create", "--name", "k", "--models", "a, b ,c", "--json",
    ]);
    assert_eq!(made["models"], serde_json::json!(["a", "b", "c"]));
    for bad in ["", "a,", " , "] {
        let done = output(
            kt().args([
                "tokens",
                "create",
                "--name",
                "x",
                "--models",
                bad,
                "--data-dir",
            ])
            .arg(seeded.data_dir()),
        );
        assert_eq!(done.status.code(), Some(2), "{bad:?}");
    }
}
