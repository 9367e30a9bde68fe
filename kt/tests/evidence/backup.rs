//! `kt backup`: what a collector keeps, copied while it runs, goes on elsewhere.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::common::{eventually, files, kt, output, text};
use crate::remote::Collector;
use crate::store::{Sample, Seeded};

fn json_of(folder: &Path, arguments: &[&str]) -> Value {
    let done = output(kt().args(arguments).arg("--data-dir").arg(folder));
    assert!(
        done.status.success(),
        "{arguments:?}: {}",
        text(&done.stderr)
    );
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn a_copy_of_a_running_collector_is_whole_and_private_and_goes_on() {
    let seeded = Seeded::with((0..3).map(|number| Sample {
        minutes_ago: number,
        ..Sample::default()
    }));
    let collector = Collector::with(seeded, &["--audit", "all"]);
    let seeded = &collector.seeded;
    eventually("the records", || {
        seeded.json(&["audit", "verify", "--json"])["records"] == 3
    });
    let restored = Seeded::to_come();
    let copy = restored.data_dir();
    let said = seeded.kt(&["backup", "--to", copy.to_str().unwrap()]);
    assert!(said.contains("the store, 3 audit records"), "{said}");

    for (file, _) in files(&copy) {
        let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
    assert_eq!(
        json_of(&copy, &["events", "tail", "--json"])
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let verified = json_of(&copy, &["audit", "verify", "--json"]);
    assert_eq!(
        verified,
        json!({"intact": true, "records": 3, "first": 1, "damage": null})
    );

    // Nothing is overwritten.
    let mut again = kt();
    again
        .args(["backup", "--to"])
        .arg(&copy)
        .arg("--data-dir")
        .arg(seeded.data_dir());
    let done = output(&mut again);
    assert_eq!(done.status.code(), Some(1));
    assert!(
        text(&done.stderr).contains("cannot make "),
        "{}",
        text(&done.stderr)
    );

    // The copy is a data folder: what comes next is recorded behind what was there.
    restored.insert(vec![Sample::default().event(9)]);
    let collector = Collector::with(restored, &["--audit", "all"]);
    eventually("the next record", || {
        collector.seeded.json(&["audit", "verify", "--json"])["records"] == 4
    });
}

#[test]
fn a_store_that_was_closed_is_one_file() {
    let seeded = Seeded::with([Sample::default()]);
    let file = seeded.data_dir().join("events.db");
    let alone = seeded.scratch.path("alone");
    fs::create_dir(&alone).unwrap();
    fs::copy(file, alone.join("events.db")).unwrap();
    assert_eq!(
        json_of(&alone, &["events", "tail", "--json"])
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
