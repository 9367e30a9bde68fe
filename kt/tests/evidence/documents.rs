//! `docs/commands.md`: every command is shown, and what it prints is what stands below it.
//!
//! A fence marked `sh store` is run, one after the other, on a store with [`samples`]; a fence marked `text answer` that
//! follows it is what was printed, where `…` stands for any word, and spaces for any number of them.

use std::collections::BTreeSet;

use crate::common::{kt, output, text};
use crate::store::{Sample, Seeded};

const PAGE: &str = include_str!("../../../docs/commands.md");

fn samples() -> [Sample; 4] {
    let experiment = |minutes_ago, provider, resolved_model, tag, latency_ms, cost_usd| Sample {
        minutes_ago,
        model: "chat-experiment",
        provider,
        resolved_model,
        tag: Some(tag),
        latency_ms,
        tokens: (1_200, 180),
        cost_usd,
        ..Sample::default()
    };
    [
        experiment(9, "openai", "gpt-4o", "control", 1_200, 0.0048),
        experiment(
            8,
            "anthropic",
            "claude-sonnet-4",
            "experiment",
            1_400,
            0.0063,
        ),
        Sample {
            minutes_ago: 7,
            ..Sample::default()
        },
        Sample {
            minutes_ago: 6,
            provider: "anthropic",
            resolved_model: "claude-sonnet-4",
            latency_ms: 1_850,
            failover: Some(("openai", "upstream_timeout")),
            ..Sample::default()
        },
    ]
}

/// Marks and contents of the fences.
fn fences() -> Vec<(&'static str, String)> {
    let mut fences = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for line in PAGE.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => fences.extend(open.take()),
            (Some(mark), None) => open = Some((mark.trim(), String::new())),
            (None, Some((_, content))) => {
                content.push_str(line);
                content.push('\n');
            }
            (None, None) => {}
        }
    }
    fences
}

#[test]
fn examples_print_what_stands_below_them() {
    let seeded = Seeded::with(samples());
    let mut fences = fences().into_iter().peekable();
    let mut compared = 0;
    let mut different = String::new();
    while let Some((mark, script)) = fences.next() {
        if mark != "sh store" {
            continue;
        }
        let printed = seeded.shell(&script);
        if let Some((_, written)) = fences.next_if(|(mark, _)| *mark == "text answer") {
            compared += 1;
            if !alike(&written, &printed) {
                different +=
                    &format!("{script}\nprints\n{printed}\nbut the page says\n{written}\n");
            }
        }
    }
    assert!(compared > 8, "{compared}");
    assert!(different.is_empty(), "{different}");
}

fn alike(written: &str, printed: &str) -> bool {
    let words = |text: &str| -> Vec<Vec<String>> {
        text.lines()
            .map(|line| line.split_whitespace().map(str::to_owned).collect())
            .collect()
    };
    let same = |(written, printed): (&Vec<String>, &Vec<String>)| {
        written.len() == printed.len()
            && written
                .iter()
                .zip(printed)
                .all(|(written, printed)| written == "…" || written == printed)
    };
    let (written_words, printed_words) = (words(written), words(printed));
    written_words.len() == printed_words.len() && written_words.iter().zip(&printed_words).all(same)
}

#[test]
fn no_command_is_missing() {
    let shown: String = fences()
        .into_iter()
        .filter(|(mark, _)| mark.starts_with("sh"))
        .map(|(_, script)| script)
        .collect();
    let commands = leaves(&[]);
    assert!(commands.len() > 15, "{commands:?}");
    let missing: Vec<&String> = commands
        .iter()
        .filter(|command| !shown.contains(&format!("kt {command}")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/commands.md shows nothing of {missing:?}"
    );
}

/// Every command that has no commands below it, from the help pages.
fn leaves(path: &[&str]) -> BTreeSet<String> {
    let help = text(&output(kt().args(path).arg("--help")).stdout);
    let Some((_, listed)) = help.split_once("\nCommands:\n") else {
        return BTreeSet::from([path.join(" ")]);
    };
    listed
        .lines()
        .take_while(|line| !line.is_empty())
        // Further lines of a description are indented more.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .flat_map(|name| leaves(&[path, &[name]].concat()))
        .collect()
}
