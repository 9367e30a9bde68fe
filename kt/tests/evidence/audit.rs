//! `kt audit verify`: a trail is intact until somebody touches it.

use serde_json::json;

use crate::common::{eventually, files, kt, output, text};
use crate::remote::Collector;
use crate::store::{Sample, Seeded};

#[test]
fn a_changed_record_is_found() {
    let seeded = Seeded::with((0..3).map(|number| Sample {
        minutes_ago: number,
        ..Sample::default()
    }));
    assert!(
        seeded
            .kt(&["audit", "verify"])
            .starts_with("no audit records in ")
    );
    let collector = Collector::with(seeded, &["--audit", "all"]);
    let seeded = &collector.seeded;
    eventually("the records", || {
        seeded.json(&["audit", "verify", "--json"])["records"] == 3
    });
    assert_eq!(
        seeded.json(&["audit", "verify", "--json"]),
        json!({"intact": true, "records": 3, "first": 1, "damage": null})
    );
    assert_eq!(seeded.kt(&["audit", "verify"]), "intact: records 1 to 3\n");

    let (file, content) = files(&seeded.data_dir().join("audit"))
        .into_iter()
        .find(|(file, _)| {
            file.extension()
                .is_some_and(|extension| extension == "ndjson")
        })
        .unwrap();
    std::fs::write(file, content.replacen("gpt-4o", "gpt-4x", 1)).unwrap();
    let done = output(
        kt().args(["audit", "verify", "--data-dir"])
            .arg(seeded.data_dir()),
    );
    assert_eq!(done.status.code(), Some(1));
    let said = text(&done.stdout);
    assert!(
        said.starts_with("TAMPERED WITH: ") && said.contains(":1: "),
        "{said}"
    );
}

#[test]
fn a_folder_that_is_not_there_is_no_intact_trail() {
    let done = output(kt().args(["audit", "verify", "--data-dir", "/no/such/folder"]));
    assert_eq!(done.status.code(), Some(1));
    assert!(text(&done.stderr).contains("there is no folder /no/such/folder"));
}
