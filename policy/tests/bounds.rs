//! What a document may take of memory and time: a file that a program or a person has spoiled is refused, and the
//! gateway that reads it again and again stays as it is.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use policy::{Code, Loaded, MAX_DOCUMENT_BYTES, Severity, Source, load};

/// Counts what the thread of a test holds, and the most that it ever held.
struct Counting;

thread_local! {
    static HELD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD.try_with(|held| {
            let (now, most) = held.get();
            let now = now.saturating_add(layout.size());
            held.set((now, most.max(now)));
        });
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| {
            let (now, most) = held.get();
            held.set((now.saturating_sub(layout.size()), most));
        });
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `work` gives, and the bytes that it held at most.
fn measured<T>(work: impl FnOnce() -> T) -> (T, usize) {
    HELD.set((0, 0));
    let made = work();
    (made, HELD.get().1)
}

/// Loads `text` and shows everything that was found, as every command does.
fn load_and_show(text: &str) -> (Loaded, usize) {
    let loaded = load(text);
    let source = Source::new(text);
    let shown = loaded
        .findings
        .iter()
        .map(|finding| finding.render_human("policy-config.yaml", &source).len())
        .sum();
    (loaded, shown)
}

const TARGETS: &str =
    "providers:\n  targets:\n    - &t {id: a, provider: openai, secret_key_ref: {env: A}}\n";

/// Documents of half a megabyte, each of which wants to be much more.
fn bombs() -> Vec<(&'static str, String)> {
    let text = "x".repeat(200_000);
    let nested_anchors: String = (0..60).map(|n| format!("&n{n} [")).collect();
    let list = |item: &str, bytes: usize| vec![item; bytes / (item.len() + 1)].join(",");
    let key = "k".repeat(250_000);
    let names: String = (0..40_000).map(|n| format!("n{n},")).collect();
    let members = list("{provider: a}", 250_000);
    let mapping: String = (0..20_000).map(|n| format!("m{n}: x,")).collect();
    let targets: String = (0..4_000)
        .map(|n| format!("    - {{id: t{n}, provider: openai, secret_key_ref: {{env: A}}}}\n"))
        .collect();
    vec![
        (
            "a long text, repeated",
            format!("a: &a {text}\nb: [{}]", list("*a", 300_000)),
        ),
        (
            "a long key, repeated",
            format!("a: &a {{{text}: 1}}\nb: [{}]", list("*a", 300_000)),
        ),
        (
            "anchors within anchors",
            format!(
                "a: {nested_anchors}{}{}",
                list("1", 400_000),
                "]".repeat(60)
            ),
        ),
        (
            "a mapping merged again and again",
            format!(
                "a: &a {{{}}}\nb: {{<<: [{}]}}",
                mapping,
                list("*a", 250_000)
            ),
        ),
        ("nothing but values", format!("a: [{}]", list("1", 499_990))),
        ("nothing but lists", format!("a: [{}]", list("[]", 499_990))),
        (
            "a key that is given again and again",
            format!("a: {{{}}}", list("b", 499_990)),
        ),
        (
            "many findings below a long key",
            format!("? {key}\n: {{{}}}", list("b: 1", 249_000)),
        ),
        ("many keys that nobody knows", {
            let keys: String = (0..45_000).map(|n| format!("k{n}: 1\n")).collect();
            keys
        }),
        (
            "members times aliases",
            format!(
                "{TARGETS}model_groups:\n  - {{name: g, aliases: [{names}], models: [{members}]}}\n"
            ),
        ),
        (
            "targets times a mapping",
            format!(
                "failover: {{model_mapping: {{{mapping}}}}}\nproviders:\n  targets:\n{targets}"
            ),
        ),
        (
            "one target, repeated",
            format!("{TARGETS}{}", "    - *t\n".repeat(40_000)),
        ),
        (
            "members of a group that is not there",
            format!(
                "{targets_head}model_groups:\n  - {{name: g, models: [{}]}}\n",
                list("{provider: nobody}", 400_000),
                targets_head = TARGETS
            ),
        ),
    ]
}

#[test]
fn no_document_takes_much_memory_or_time() {
    // A hundredth of what the worst of them asked for.
    const MOST_BYTES: usize = 150 << 20;
    const MOST_TIME: Duration = Duration::from_secs(20);
    for (name, text) in bombs() {
        assert!(text.len() < 520_000, "{name}: {}", text.len());
        let begin = Instant::now();
        let ((loaded, shown), most) = measured(|| load_and_show(&text));
        let time = begin.elapsed();
        println!(
            "{name}: {} findings, {} KB at most, {time:?}",
            loaded.findings.len(),
            most >> 10
        );
        assert!(most < MOST_BYTES, "{name}: {} MB", most >> 20);
        assert!(time < MOST_TIME, "{name}: {time:?}");
        assert!(shown < MOST_BYTES, "{name}: {shown} bytes of findings");
    }
}

fn first_error(text: &str) -> (Code, String) {
    let findings = load(text).findings;
    let error = findings
        .iter()
        .find(|finding| finding.severity == Severity::Error);
    error
        .map(|error| (error.code, error.message.clone()))
        .unwrap()
}

#[test]
fn what_is_too_much_is_said() {
    let long = format!("a: {}", "x".repeat(MAX_DOCUMENT_BYTES));
    // 25 MB of text in 100 KB.
    let repeated = format!(
        "a: &a {}\nb: [{}]",
        "x".repeat(5_000),
        vec!["*a"; 5_000].join(",")
    );
    let many = format!("a: [{}]", vec!["1"; 500_000].join(","));
    for (text, expected) in [
        (long, "expected at most 4194304"),
        (repeated, "aliases repeat more than 4194304 bytes of text"),
        (many, "more than 500000 keys and values"),
    ] {
        let (code, message) = first_error(&text);
        assert_eq!(code, Code::E111);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn findings_that_are_not_listed_are_counted_and_their_errors_still_refuse_the_policy() {
    let pairs: String = (0..30_001).map(|n| format!("k{n}: 1\n")).collect();
    let loaded = load(&format!("{TARGETS}{pairs}"));
    assert_eq!(loaded.findings.len(), 30_000);
    let last = loaded.findings.last().unwrap();
    assert!(last.message.contains("1 more finding"), "{}", last.message);
    // Warnings alone: 30,000 of them are listed and refuse nothing; an error behind them does.
    let member = "{provider: a},";
    let warnings = |count: usize, last: &str| {
        load(&format!(
            "{TARGETS}model_groups:\n  - name: g\n    models: [{}{last}]\n",
            member.repeat(count)
        ))
    };
    assert!(warnings(29_000, "").policy.is_some());
    let refused = warnings(29_000, "{provider: b}");
    assert!(refused.policy.is_none());
    assert!(
        refused
            .findings
            .iter()
            .any(|finding| finding.code == Code::E101)
    );
}

/// Insists that ten times the input takes less than fifteen times as long: it would be a hundred times if it were
/// quadratic. A busy machine disturbs the measurement, so the best of several counts.
fn assert_linear(name: &str, document: impl Fn(usize) -> String) {
    let (small, large) = (document(1_000), document(10_000));
    let time = |text: &str| {
        let begin = Instant::now();
        load_and_show(text);
        begin.elapsed()
    };
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..12 {
        best = (best.0.min(time(&small)), best.1.min(time(&large)));
        if best.1 < best.0 * 15 {
            return;
        }
    }
    panic!("{name}: {:?} became {:?}", best.0, best.1);
}

fn targets(count: usize) -> String {
    let targets: String = (0..count)
        .map(|n| {
            format!(
                "    - id: target-{n}\n      provider: openai\n      secret_key_ref: {{env: K{n}}}\n"
            )
        })
        .collect();
    format!("providers:\n  targets:\n{targets}")
}

#[test]
fn lint_takes_time_in_proportion_to_targets() {
    assert_linear("targets", targets);
}

#[test]
fn lint_takes_time_in_proportion_to_what_it_finds() {
    let misspelled = |count: usize| targets(count).replace("provider: openai", "provider: opanai");
    assert_linear("lines", misspelled);
    // As a program writes it: one line.
    assert_linear("one line", |count| {
        let targets: Vec<String> = (0..count)
            .map(|n| format!(r#"{{"id": "é{n}", "provider": "openai", "weigth": 1}}"#))
            .collect();
        format!(
            r#"{{"providers": {{"targets": [{}]}}}}"#,
            targets.join(", ")
        )
    });
}

#[test]
fn lint_takes_time_in_proportion_to_names_and_members() {
    assert_linear("members and aliases", |count| {
        let aliases: Vec<String> = (0..count).map(|n| format!("alias-{n}")).collect();
        let members: Vec<String> = (0..count)
            .map(|n| format!("{{provider: target-{n}}}"))
            .collect();
        format!(
            "{}model_groups:\n  - name: g\n    aliases: [{}]\n    models: [{}]\n",
            targets(count),
            aliases.join(", "),
            members.join(", ")
        )
    });
    assert_linear("groups that fall back on misspelled ones", |count| {
        let groups: String = (0..count)
            .map(|n| {
                format!("  - {{name: group-{n}, fallback_group: gruop-{n}, models: [{{provider: target-0, model: m}}]}}\n")
            })
            .collect();
        format!("{}model_groups:\n{groups}", targets(1))
    });
}
