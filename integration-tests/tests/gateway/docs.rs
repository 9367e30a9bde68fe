//! What README and docs show and say is so: commands give the answers printed below them, policies lint, and lists are
//! those of the code.
//!
//! A fence marked `sh test` is run, and a `json answer` fence that follows it is compared with what the command printed
//! (`"…"` stands for any value), a `text answer` fence letter for letter. A fence marked `yaml policy` must lint without error.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use harness::{Gateway, GatewayOptions, PolicyText, repository, tool};
use protocols::translate::dropped_param::DropWhen;
use protocols::translate::dropped_param::DroppedParam;
use serde_json::Value;

/// One fenced block of a Markdown file.
struct Fence {
    info: String,
    text: String,
    line: usize,
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn documents() -> Vec<String> {
    let mut paths: Vec<String> = std::fs::read_dir(repository().join("docs"))
        .unwrap()
        .map(|entry| format!("docs/{}", entry.unwrap().file_name().into_string().unwrap()))
        .filter(|path| path.ends_with(".md"))
        .collect();
    paths.push("README.md".into());
    paths.sort();
    paths
}

fn fences(markdown: &str) -> Vec<Fence> {
    let mut fences = Vec::new();
    let mut open: Option<Fence> = None;
    for (index, line) in markdown.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => fences.extend(open.take()),
            (Some(info), None) => {
                open = Some(Fence {
                    info: info.trim().to_owned(),
                    text: String::new(),
                    line: index + 1,
                });
            }
            (None, Some(fence)) => {
                fence.text.push_str(line);
                fence.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    fences
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_print_the_answers_that_stand_below_them() {
    let policy = PolicyText {
        text: read("examples/quickstart/policy-config.yaml"),
        keys: Vec::new(),
    };
    let options = GatewayOptions {
        arguments: vec!["--simulate".into()],
        ..GatewayOptions::default()
    };
    let gateway = Gateway::start_with(&policy, &options).await;
    let mut run = 0;
    for path in documents() {
        let mut fences = fences(&read(&path)).into_iter().peekable();
        while let Some(fence) = fences.next() {
            if fence.info != "sh test" {
                continue;
            }
            let place = format!("{path}:{}", fence.line);
            let printed = shell(&gateway, &fence.text, &place);
            run += 1;
            if let Some(answer) = fences.next_if(|next| next.info == "json answer") {
                let parse = |text: &str| -> Value {
                    serde_json::from_str(text)
                        .unwrap_or_else(|error| panic!("{place}: {error} in {text}"))
                };
                assert_alike(&parse(&answer.text), &parse(&printed), &place);
            } else if let Some(answer) = fences.next_if(|next| next.info == "text answer") {
                assert_eq!(answer.text, printed, "{place}");
            }
        }
    }
    assert!(run >= 2, "README shows a first answer and a failover");
}

fn shell(gateway: &Gateway, script: &str, place: &str) -> String {
    let script = script.replace("http://localhost:41002", &gateway.url());
    let folder = tool("kt").parent().unwrap().to_owned();
    let path = std::env::join_paths(
        std::iter::once(folder).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let output = Command::new("timeout")
        .args(["60", "bash", "-euo", "pipefail", "-c", &script])
        .env("PATH", path.unwrap())
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{place}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Equal, but that `"…"` stands for anything.
fn assert_alike(written: &Value, printed: &Value, place: &str) {
    match (written, printed) {
        (Value::String(any), _) if any == "…" => {}
        (Value::Object(written), Value::Object(printed)) => {
            let keys = |map: &serde_json::Map<String, Value>| -> BTreeSet<String> {
                map.keys().cloned().collect()
            };
            assert_eq!(keys(written), keys(printed), "{place}");
            for (key, value) in written {
                assert_alike(value, &printed[key], &format!("{place}: {key}"));
            }
        }
        (Value::Array(written), Value::Array(printed)) => {
            assert_eq!(written.len(), printed.len(), "{place}");
            for (written, printed) in written.iter().zip(printed) {
                assert_alike(written, printed, place);
            }
        }
        _ => assert_eq!(written, printed, "{place}"),
    }
}

#[test]
fn policies_in_the_text_lint_without_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy-config.yaml");
    let mut linted = 0;
    for path in documents() {
        for fence in fences(&read(&path)) {
            if fence.info != "yaml policy" {
                continue;
            }
            std::fs::write(&file, &fence.text).unwrap();
            let output = Command::new(tool("kt"))
                .args(["policy", "lint", "--file"])
                .arg(&file)
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{path}:{}:\n{}{}",
                fence.line,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            linted += 1;
        }
    }
    assert!(linted >= 3, "each dialect is shown");
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    for path in documents() {
        let folder = PathBuf::from(&path).parent().unwrap().to_owned();
        for link in read(&path).split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let file = repository().join(&folder).join(target);
            assert!(file.exists(), "{path} links to {target}");
        }
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let page = read("docs/dependencies.md");
    for package in workspace().as_array().unwrap() {
        if package["name"] == "keeptrusts-integration-tests" {
            continue;
        }
        for dependency in package["dependencies"].as_array().unwrap() {
            let name = dependency["name"].as_str().unwrap();
            let shipped = dependency["kind"].is_null() && dependency["path"].is_null();
            assert!(
                !shipped || page.contains(&format!("`{name}`")),
                "docs/dependencies.md says nothing of {name}, which {} depends on",
                package["name"]
            );
        }
    }
}

/// The workspace's packages, as cargo sees them.
fn workspace() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].take()
}

#[test]
fn the_drawing_of_the_crates_has_every_arrow_and_no_other() {
    let packages = workspace();
    let packages = packages.as_array().unwrap();
    let short = |name: &Value| {
        name.as_str()
            .unwrap()
            .trim_start_matches("keeptrusts-")
            .to_owned()
    };
    let members: BTreeSet<String> = packages
        .iter()
        .map(|package| short(&package["name"]))
        .collect();
    let arrows: BTreeSet<(String, String)> = packages
        .iter()
        .flat_map(|package| {
            let from = short(&package["name"]);
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            dependencies
                // What only tests need is not part of the building.
                .filter(|dependency| dependency["kind"].is_null() && dependency["path"].is_string())
                .map(move |dependency| (from.clone(), short(&dependency["name"])))
        })
        .collect();
    assert!(!arrows.is_empty());
    assert!(
        arrows.iter().all(|(_, to)| members.contains(to)),
        "{arrows:?}"
    );

    let drawing = fences(&read("docs/architecture.md"))
        .into_iter()
        .find(|fence| fence.info == "mermaid" && fence.text.contains("policy"))
        .expect("docs/architecture.md draws the crates");
    let drawn: BTreeSet<(String, String)> = drawing
        .text
        .lines()
        .filter_map(|line| line.trim().split_once(" --> "))
        .flat_map(|(from, to)| {
            to.split(" & ")
                .map(move |to| (from.to_owned(), to.to_owned()))
        })
        .collect();
    let missing: Vec<_> = arrows.difference(&drawn).collect();
    let extra: Vec<_> = drawn.difference(&arrows).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "docs/architecture.md: missing arrows {missing:?}, arrows that are not there {extra:?}"
    );
}

#[test]
fn every_configuration_key_and_lint_code_is_documented() {
    let text = read("docs/configuration.md");
    let schema: Value =
        serde_json::from_str(&read("policy/schema/policy-config.schema.json")).unwrap();
    let mut keys = BTreeSet::new();
    property_names(&schema, &mut keys);
    assert!(keys.len() > 50, "the schema has properties");
    let missing: Vec<_> = keys
        .iter()
        .filter(|key| !text.contains(&format!("`{key}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/configuration.md says nothing of {missing:?}"
    );

    let codes: BTreeSet<String> = read("policy/src/finding.rs")
        .lines()
        .filter_map(|line| line.trim().strip_suffix(','))
        .filter(|name| is_code(name))
        .map(String::from)
        .collect();
    let documented: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next())
        .filter(|name| is_code(name))
        .map(String::from)
        .collect();
    assert!(codes.len() > 15, "{codes:?}");
    assert_eq!(codes, documented);
}

fn is_code(name: &str) -> bool {
    let mut characters = name.chars();
    matches!(characters.next(), Some('E' | 'W'))
        && name.len() == 4
        && characters.all(|c| c.is_ascii_digit())
}

fn property_names(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get("properties") {
                names.extend(properties.keys().cloned());
            }
            map.values().for_each(|value| property_names(value, names));
        }
        Value::Array(items) => items.iter().for_each(|item| property_names(item, names)),
        _ => {}
    }
}

#[test]
fn the_tables_of_ignored_fields_are_those_of_the_translators() {
    let path = "docs/translation.md";
    let text = read(path);
    let (before, rest) = text.split_once(BEGIN).expect("a place for the tables");
    let (_, after) = rest.split_once(END).expect("an end of the tables");
    let expected = format!("{before}{BEGIN}\n\n{}{END}{after}", ignored_tables());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(repository().join(path), &expected).unwrap();
        return;
    }
    assert!(
        text == expected,
        "{path} is behind the translators: run this test once with UPDATE_DOCS=1"
    );
}

const BEGIN: &str = "<!-- ignored fields: begin, written by a test -->";
const END: &str = "<!-- ignored fields: end -->";

fn ignored_tables() -> String {
    use protocols::translate::{
        anthropic_messages_to_bedrock_converse as anthropic_bedrock,
        anthropic_messages_to_chat_completions as anthropic_chat,
        chat_completions_to_anthropic_messages as chat_anthropic,
        chat_completions_to_bedrock_converse as chat_bedrock,
        chat_completions_to_responses as chat_responses, embeddings_to_bedrock_titan as titan,
        responses_to_chat_completions as responses_chat,
    };
    let tables: [(&str, &[DroppedParam]); 12] = [
        (
            "Chat Completions to Anthropic Messages",
            chat_anthropic::DROPPED_PARAMS,
        ),
        (
            "Chat Completions to Bedrock Converse",
            chat_bedrock::DROPPED_PARAMS,
        ),
        (
            "Chat Completions to Responses",
            chat_responses::DROPPED_PARAMS,
        ),
        (
            "Messages of Chat Completions, to any other protocol",
            protocols::formats::chat_completions::request_reader::DROPPED_MESSAGE_PARAMS,
        ),
        (
            "Responses to Chat Completions",
            responses_chat::DROPPED_PARAMS,
        ),
        (
            "Items of Responses to Chat Completions",
            responses_chat::DROPPED_ITEM_PARAMS,
        ),
        (
            "Anthropic Messages to Chat Completions",
            anthropic_chat::DROPPED_PARAMS,
        ),
        (
            "Tools of Anthropic Messages to Chat Completions",
            anthropic_chat::DROPPED_TOOL_PARAMS,
        ),
        (
            "Anthropic Messages to Bedrock Converse",
            anthropic_bedrock::DROPPED_PARAMS,
        ),
        (
            "Tools of Anthropic Messages to Bedrock Converse",
            anthropic_bedrock::DROPPED_TOOL_PARAMS,
        ),
        (
            "Blocks of Anthropic Messages, to any other protocol",
            protocols::formats::anthropic_messages::request_reader::DROPPED_BLOCK_PARAMS,
        ),
        ("Embeddings to Bedrock Titan", titan::DROPPED_PARAMS),
    ];
    let mut text = String::new();
    for (title, fields) in tables {
        let _ = write!(
            text,
            "### {title}\n\n| field | left out | why that is right |\n|---|---|---|\n"
        );
        for field in fields {
            let when = match field.when {
                DropWhen::Always => "always".to_owned(),
                DropWhen::Only(value) => format!("only `{value}`"),
                DropWhen::Where(condition) => condition.to_owned(),
            };
            let _ = writeln!(
                text,
                "| `{}` | {when} | {} |",
                field.name,
                field.reason.replace('|', "\\|")
            );
        }
        text.push('\n');
    }
    text
}
