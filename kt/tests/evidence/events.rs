//! `kt events`: which events, in which form.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::common::{Scratch, kt, output, text};
use crate::store::{Sample, Seeded, health_changed};

fn models(events: &Value) -> Vec<&str> {
    let events = events.as_array().unwrap();
    events
        .iter()
        .map(|event| event["model"].as_str().unwrap())
        .collect()
}

fn three() -> Seeded {
    Seeded::with([
        Sample {
            minutes_ago: 90,
            model: "oldest",
            ..Sample::default()
        },
        Sample {
            minutes_ago: 5,
            model: "middle",
            failover: Some(("openai", "upstream_5xx")),
            provider: "anthropic",
            ..Sample::default()
        },
        Sample {
            minutes_ago: 1,
            model: "newest",
            latency_ms: 2_000,
            ..Sample::default()
        },
    ])
}

#[test]
fn tail_shows_the_latest_oldest_first() {
    let seeded = three();
    let tail = |arguments: &[&str]| {
        let mut all = vec!["events", "tail", "--json"];
        all.extend(arguments);
        seeded.json(&all)
    };
    assert_eq!(models(&tail(&[])), ["oldest", "middle", "newest"]);
    assert_eq!(models(&tail(&["--limit", "2"])), ["middle", "newest"]);
    assert_eq!(models(&tail(&["--last", "1"])), ["newest"]);
    assert_eq!(models(&tail(&["--since", "1h"])), ["middle", "newest"]);
    assert_eq!(models(&tail(&["--until", "1h"])), ["oldest"]);
    assert_eq!(tail(&["--limit", "0"]), json!([]));
}

#[test]
fn what_is_no_number_and_what_is_no_field_is_refused_with_what_was_expected() {
    let seeded = three();
    for (arguments, said) in [
        (
            &["events", "tail", "--limit", "-1"][..],
            "'-1' for '--limit <N>': expected a whole number of 0 or more",
        ),
        (
            &["events", "list", "--limit", "many", "--since", "1d"],
            "'many' for '--limit <N>': expected a whole number of 0 or more",
        ),
        (
            &[
                "events",
                "list",
                "--since",
                "1d",
                "--fields",
                "model,modell",
            ],
            "events have no field \"modell\", expected some of id, ",
        ),
        (
            &[
                "spend",
                "provider-budget",
                "create",
                "--provider",
                "openai",
                "--period",
                "daily",
                "--limit",
                "-5",
            ],
            "'-5' for '--limit <USD>': expected US dollars above 0",
        ),
    ] {
        let mut command = kt();
        command
            .args(arguments)
            .arg("--data-dir")
            .arg(seeded.data_dir());
        let done = output(&mut command);
        assert!(!done.status.success(), "{arguments:?}");
        let stderr = text(&done.stderr);
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
    let fields = [
        "events",
        "list",
        "--since",
        "1d",
        "--json",
        "--fields",
        "model,attempts.latency_ms",
    ];
    let events = seeded.json(&fields);
    assert_eq!(models(&events).len(), 3);
}

#[test]
fn filters_reach_into_nested_fields() {
    let seeded = three();
    for (filters, expected) in [
        (vec!["failover.triggered=true"], vec!["middle"]),
        (vec!["failover=true"], vec!["middle"]),
        (vec!["failover=false"], vec!["oldest", "newest"]),
        (vec!["failover.reason=upstream_5xx"], vec!["middle"]),
        (vec!["attempts.provider=anthropic"], vec!["middle"]),
        (vec!["latency_ms=2000"], vec!["newest"]),
        (
            vec!["model=oldest", "model=newest"],
            vec!["oldest", "newest"],
        ),
        (vec!["model=oldest", "provider=anthropic"], vec![]),
        (vec!["tag="], vec!["oldest", "middle", "newest"]),
        (vec!["model=' OR 1=1 --"], vec![]),
    ] {
        let mut arguments = vec!["events", "tail", "--json"];
        for filter in &filters {
            arguments.extend(["--filter", filter]);
        }
        assert_eq!(models(&seeded.json(&arguments)), expected, "{filters:?}");
    }
}

#[test]
fn a_table_has_a_line_for_each_event() {
    let seeded = three();
    let table = seeded.kt(&["events", "tail"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("TIME "));
    assert!(lines[2].contains("openai: upstream_5xx"), "{table}");
    assert!(
        lines[3].contains("2.00 s") && lines[3].contains("$0.01"),
        "{table}"
    );

    seeded.insert(vec![health_changed("openai")]);
    let table = seeded.kt(&[
        "events",
        "tail",
        "--filter",
        "event_type=gateway.health_changed",
    ]);
    assert!(
        table.contains("healthy -> unhealthy: upstream_timeout"),
        "{table}"
    );
}

#[test]
fn a_follower_sees_events_as_they_come() {
    let seeded = three();
    let mut follower = kt()
        .args([
            "events",
            "tail",
            "-f",
            "--limit",
            "1",
            "--json",
            "--filter",
            "provider=openai",
            "--data-dir",
        ])
        .arg(seeded.data_dir())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["model"], "newest");
    seeded.insert(vec![
        Sample {
            model: "other",
            provider: "anthropic",
            ..Sample::default()
        }
        .event(10),
        // It took its time to arrive: what counts is the arrival.
        Sample {
            minutes_ago: 60,
            model: "late",
            ..Sample::default()
        }
        .event(11),
    ]);
    assert_eq!(next()["model"], "late");
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let seeded = Seeded::with((0..2_000).map(|number| Sample {
        minutes_ago: number,
        ..Sample::default()
    }));
    let first = seeded.shell("kt events tail --limit 2000 --json | head -n 1");
    assert_eq!(first, "[\n");
}

#[test]
fn lists_are_tables_json_or_csv() {
    let seeded = three();
    let list = |format| {
        seeded.kt(&[
            "events",
            "list",
            "--group-by",
            "provider",
            "--fields",
            "request_count,provider,latency_p50",
            "--format",
            format,
        ])
    };
    assert_eq!(
        serde_json::from_str::<Value>(&list("json")).unwrap(),
        json!([
            {"request_count": 2, "provider": "openai", "latency_p50": 800},
            {"request_count": 1, "provider": "anthropic", "latency_p50": 800},
        ])
    );
    assert_eq!(
        list("csv"),
        "request_count,provider,latency_p50\r\n2,openai,800\r\n1,anthropic,800\r\n"
    );
    assert_eq!(
        list("table"),
        "request_count  provider   latency_p50\n            2  openai          800 ms\n            1  anthropic       800 ms\n"
    );
    assert_eq!(
        seeded.json(&[
            "events",
            "list",
            "--fields",
            "request_count,failover_count",
            "--json"
        ]),
        json!([{"request_count": 3, "failover_count": 1}])
    );
    let hours = seeded.json(&["events", "list", "--group-by", "hour,provider", "--json"]);
    assert!(hours.as_array().unwrap().len() >= 3, "{hours}");
}

#[test]
fn lists_without_groups_are_events() {
    let seeded = three();
    assert_eq!(
        seeded.kt(&[
            "events",
            "list",
            "--fields",
            "model,tokens.total,attempts.provider",
            "--format",
            "csv"
        ]),
        "model,tokens.total,attempts.provider\r\noldest,120,openai\r\nmiddle,120,openai; anthropic\r\nnewest,120,openai\r\n"
    );
}

#[test]
fn a_spreadsheet_never_runs_what_a_client_sent() {
    let seeded = Seeded::with([Sample {
        model: "=HYPERLINK(\"http://evil\",\"x\")",
        ..Sample::default()
    }]);
    let file = seeded.scratch.path("out.csv");
    seeded.kt(&[
        "events",
        "export",
        "--format",
        "csv",
        "--output",
        file.to_str().unwrap(),
    ]);
    let csv = std::fs::read_to_string(&file).unwrap();
    assert!(
        csv.contains(",\"'=HYPERLINK(\"\"http://evil\"\",\"\"x\"\")\","),
        "{csv}"
    );
    assert!(!csv.contains(",="), "{csv}");
    assert!(!file.with_extension("csv.part").exists());
    assert!(
        seeded
            .kt(&["events", "list", "--group-by", "model", "--format", "csv"])
            .contains("\r\n\"'=HYPERLINK")
    );
}

#[test]
fn an_export_has_every_event_once_however_many_pages_it_takes() {
    const COUNT: usize = 2_500;
    // Several events in each minute, so that pages end between events of the same moment.
    let seeded = Seeded::with((0..COUNT).map(|number| Sample {
        minutes_ago: number as u64 / 100 + 1,
        ..Sample::default()
    }));
    let file = seeded.scratch.path("out.json");
    seeded.kt(&[
        "events",
        "export",
        "--format",
        "json",
        "--output",
        file.to_str().unwrap(),
    ]);
    let events: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let ids: std::collections::BTreeSet<&str> = events
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    assert_eq!((events.len(), ids.len()), (COUNT, COUNT));
    assert!(events.is_sorted_by_key(|event| event["timestamp"].as_str().unwrap().to_owned()));
    let to_stdout = seeded.kt(&["events", "export", "--output", "-"]);
    assert_eq!(to_stdout.split_terminator("\r\n").count(), COUNT + 1);
}

#[test]
fn arms_are_compared_and_a_verdict_is_given() {
    let seeded = Seeded::with((0..200).map(|number| Sample {
        minutes_ago: 10,
        model: "chat-experiment",
        tag: Some(if number % 2 == 0 {
            "control"
        } else {
            "experiment"
        }),
        latency_ms: 500 + number % 10,
        ..Sample::default()
    }));
    let compare = [
        "events",
        "compare",
        "--group",
        "chat-experiment",
        "--since",
        "7d",
        "--by",
        "tag",
    ];
    let text = seeded.kt(&compare);
    assert!(
        text.contains("control") && text.contains("experiment"),
        "{text}"
    );
    let mut as_json = compare.to_vec();
    as_json.push("--json");
    let comparison = seeded.json(&as_json);
    assert_eq!(comparison["arms"][0]["requests"], 100);
    assert!(!comparison["verdict"].as_str().unwrap().is_empty());
    assert!(
        text.contains(comparison["verdict"].as_str().unwrap()),
        "{text}"
    );
}

#[test]
fn mistakes_are_one_line() {
    let seeded = three();
    for (arguments, part) in [
        (&["events", "tail", "--filter", "modle=x"][..], "\"modle\""),
        (
            &["events", "tail", "--filter", "model"],
            "expected FIELD=VALUE",
        ),
        (&["events", "tail", "--since", "yesterday"], "--since: "),
        (
            &["events", "list", "--group-by", "colour"],
            "cannot group by \"colour\"",
        ),
        (
            &[
                "events",
                "list",
                "--group-by",
                "provider",
                "--fields",
                "requests",
            ],
            "there is no metric \"requests\"",
        ),
        (
            &[
                "events",
                "list",
                "--group-by",
                "provider",
                "--fields",
                "tag",
            ],
            "not in --group-by",
        ),
        (
            &["events", "compare", "--group", "g", "--by", "colour"],
            "\"colour\"",
        ),
        (
            &["events", "export", "--output", "/no/folder/f.csv"],
            "cannot write /no/folder/f.csv",
        ),
    ] {
        let error = seeded.error(arguments);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_folder_without_a_store_is_not_given_one() {
    let scratch = Scratch::new();
    let done = output(
        kt().args(["events", "tail", "--data-dir"])
            .arg(scratch.path("data")),
    );
    assert_eq!(done.status.code(), Some(1));
    assert!(text(&done.stderr).starts_with("error: there is no store at "));
    assert!(!scratch.path("data").exists());
}

#[test]
fn no_row_is_cut_without_a_word() {
    // 150 hours, one request in each.
    let seeded = Seeded::with((0..150).map(|hour| Sample {
        minutes_ago: 60 * hour + 1,
        ..Sample::default()
    }));
    let list = |arguments: &[&str]| {
        let mut command = kt();
        command.args(["events", "list", "--json", "--data-dir"]);
        let done = output(command.arg(seeded.data_dir()).args(arguments));
        assert!(done.status.success());
        let rows: Vec<Value> = serde_json::from_slice(&done.stdout).unwrap();
        (rows, text(&done.stderr))
    };
    let (all, stderr) = list(&["--group-by", "hour"]);
    assert_eq!((all.len(), stderr.as_str()), (150, ""));
    let (latest, stderr) = list(&["--group-by", "hour", "--limit", "3"]);
    assert_eq!(latest[..], all[147..], "by time, the latest");
    assert!(
        stderr.contains("150 rows") && stderr.contains("3 latest"),
        "{stderr}"
    );
    let (events, stderr) = list(&[]);
    assert_eq!(events.len(), 100);
    assert!(
        stderr.contains("latest 100") && stderr.contains("--limit"),
        "{stderr}"
    );
    let (events, stderr) = list(&["--limit", "150"]);
    assert_eq!((events.len(), stderr.as_str()), (150, ""));
}
