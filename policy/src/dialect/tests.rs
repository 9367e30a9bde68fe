//! The JSON Schema and the parser know the same keys and agree about documents.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use catalog::{DialectPatch, Endpoint, Word};
use serde_json::{Map, Value as Json, json};

use crate::finding::{Code, Severity};
use crate::yaml::{self, Node, Value};
use crate::{json_schema, load};

fn schema() -> Json {
    serde_json::from_str(json_schema()).unwrap()
}

#[test]
fn every_section_has_the_same_keys_in_schema_and_parser() {
    let schema = schema();
    let definitions = schema["$defs"].as_object().unwrap();
    let mut sections = BTreeSet::new();
    for (name, keys) in super::sections::sections() {
        sections.insert(name);
        let parser: BTreeSet<&str> = keys.iter().copied().collect();
        assert_eq!(parser.len(), keys.len(), "a key of `{name}` has two rows");
        let definition = &definitions[name];
        let known: BTreeSet<&str> = definition["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(known, parser, "`{name}`");
        assert_eq!(definition["additionalProperties"], json!(false), "`{name}`");
    }
    let with_keys = definitions
        .iter()
        .filter(|(_, definition)| definition.get("properties").is_some());
    let others: Vec<&str> = with_keys
        .map(|(name, _)| name.as_str())
        .filter(|name| !sections.contains(name))
        .collect();
    // Their keys are policy kinds and parts of the catalogue's dialects, which are no table of keys.
    assert_eq!(others, ["policy_blocks", "quirks"]);
}

#[test]
fn quirks_have_the_same_keys_and_words_in_schema_and_catalogue() {
    let schema = schema();
    let resolved = |definition: &Json| -> Json {
        let name = definition["$ref"]
            .as_str()
            .map(|text| text.replace("#/$defs/", ""));
        name.map_or(definition.clone(), |name| schema["$defs"][&name].clone())
    };
    let quirks = &schema["$defs"]["quirks"]["properties"];
    let known: BTreeSet<&str> = quirks
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(known, DialectPatch::keys().collect());
    for key in known {
        let quirk = &quirks[key];
        let of_list = resolved(&quirk["items"]);
        let words = quirk["enum"].as_array().or(of_list["enum"].as_array());
        let words: Vec<&str> = words
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        let mut known = Vec::new();
        DialectPatch::words_of(key, &mut |word| known.push(word));
        assert_eq!(words, known, "{key}");
    }
    let endpoints: Vec<&str> = Endpoint::ALL
        .iter()
        .map(|endpoint| endpoint.name())
        .collect();
    assert_eq!(schema["$defs"]["endpoint"]["enum"], json!(endpoints));
}

#[test]
fn strategies_are_the_same_in_schema_and_parser() {
    for strategy in schema()["$defs"]["strategy"]["enum"].as_array().unwrap() {
        let text = format!("failover: {{strategy: {strategy}}}");
        let findings = load(&text).findings;
        assert!(
            findings.iter().all(|finding| finding.code != Code::E108),
            "{strategy}"
        );
    }
}

#[test]
fn every_seed_fits_the_schema() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/seeds");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut count = 0;
    for file in files.filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    }) {
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(check(&text), Ok(()), "{}", file.display());
        count += 1;
    }
    assert!(count > 0);
}

/// Documents on which the schema and the parser must give the same verdict.
#[test]
fn schema_and_parser_agree() {
    const TARGET: &str = "id: a, provider: openai, secret_key_ref: {env: K}";
    for (good, text) in [
        (true, format!("providers: {{targets: [{{{TARGET}}}]}}")),
        (true, format!("providers: [{{{TARGET}}}]")),
        (
            true,
            format!("providers: {{targets: [{{{TARGET}, timeout_ms: 5s}}], routing: random}}"),
        ),
        (
            true,
            format!(
                "providers: {{targets: [{{{TARGET}}}]}}\nfailover: {{retry: {{max_attempts: 0}}}}"
            ),
        ),
        (
            true,
            format!(
                "providers: [{{{TARGET}}}]\npolicy: {{audit_logger: }}\npolicies: {{chain: [audit-logger]}}"
            ),
        ),
        (
            true,
            format!("providers: [{{{TARGET}, health_check: {{expected_status: [200, 401]}}}}]"),
        ),
        (
            true,
            format!(
                "providers: [{{{TARGET}}}]\nmodel_groups: [{{name: g, targets: [a, {{provider: a, model: m}}]}}]"
            ),
        ),
        (
            true,
            format!(
                "providers: [{{{TARGET}}}]\npolicies: [{{type: content_filter, config: {{moderation: {{target: a, on_error: block}}}}}}]"
            ),
        ),
        (
            false,
            format!(
                "providers: [{{{TARGET}}}]\npolicies: [{{type: content_filter, config: {{categories: [hat]}}}}]"
            ),
        ),
        (
            false,
            format!(
                "providers: [{{{TARGET}}}]\npolicies: [{{type: content_filter, config: {{action: block}}}}]"
            ),
        ),
        (false, String::new()),
        (false, "providers: {targets: []}".to_owned()),
        (false, "providers: {targets: [a]}".to_owned()),
        (false, format!("providers: {{target: [{{{TARGET}}}]}}")),
        (false, format!("providers: [{{{TARGET}, weight: 1.5}}]")),
        (false, format!("providers: [{{{TARGET}, weight: '1'}}]")),
        (false, format!("providers: [{{{TARGET}, priority: -1}}]")),
        (false, format!("providers: [{{{TARGET}, model: true}}]")),
        (false, format!("providers: [{{{TARGET}, model: }}]")),
        (
            false,
            format!("providers: [{{{TARGET}, health_check: {{expected_status: 99}}}}]"),
        ),
        (
            false,
            format!("providers: [{{{TARGET}, health_check: on}}]"),
        ),
        (
            false,
            "providers: [{provider: openai, secret_key_ref: {env: K}}]".to_owned(),
        ),
        (
            false,
            "providers: [{id: a, provider: openai, secret_key_ref: {env: K, store: K}}]".to_owned(),
        ),
        (
            false,
            "providers: [{id: a, provider: openai, secret_key_ref: {}}]".to_owned(),
        ),
        (
            false,
            format!("providers: {{targets: [{{{TARGET}}}], routing: {{strategy: best}}}}"),
        ),
        (
            false,
            format!("providers: [{{{TARGET}}}]\nmodel_groups: [{{name: g}}]"),
        ),
        (
            false,
            format!("providers: [{{{TARGET}}}]\nmodel_groups: [{{name: g, models: []}}]"),
        ),
        (
            false,
            format!("providers: [{{{TARGET}}}]\nmodel_groups: [{{models: [a]}}]"),
        ),
        (
            false,
            format!("providers: [{{{TARGET}}}]\npolicies: [{{name: x}}]"),
        ),
        (
            false,
            format!("providers: [{{{TARGET}}}]\npolicies: [{{type: pii}}]"),
        ),
        (false, format!("providers: [{{{TARGET}}}]\nlog_bodies: 1")),
        (
            false,
            format!("providers: [{{{TARGET}}}]\nmax_request_bytes: 1"),
        ),
    ] {
        let loaded = load(&text);
        let errors = loaded
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .count();
        assert_eq!(errors == 0, good, "{text}: {:?}", loaded.findings);
        let verdict = check(&text);
        assert_eq!(verdict.is_ok(), good, "{text}: {verdict:?}");
    }
}

/// Whether `text` fits the schema.
fn check(text: &str) -> Result<(), String> {
    let document = yaml::parse(text)
        .root
        .map_or(Json::Null, |root| to_json(&root));
    let schema = schema();
    Validator {
        definitions: &schema["$defs"],
    }
    .check(&schema, &document)
}

fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Sequence(items) => items.iter().map(to_json).collect(),
        Value::Mapping(entries) => {
            let entries = entries
                .iter()
                .map(|entry| (entry.key.to_string(), to_json(&entry.value)));
            Json::Object(entries.collect::<Map<_, _>>())
        }
        Value::Scalar(scalar) if scalar.is_null() => Json::Null,
        Value::Scalar(scalar) => scalar
            .as_bool()
            .map(Json::from)
            .or_else(|| scalar.as_integer().map(Json::from))
            .or_else(|| scalar.as_float().map(Json::from))
            .unwrap_or_else(|| Json::from(&*scalar.text)),
    }
}

/// The part of JSON Schema that our schema uses. Any other keyword fails the test instead of passing unchecked.
struct Validator<'s> {
    definitions: &'s Json,
}

impl Validator<'_> {
    fn check(&self, schema: &Json, value: &Json) -> Result<(), String> {
        let number = |limit: &Json| value.as_f64().map(|value| (value, limit.as_f64().unwrap()));
        let length = value.as_str().map(|text| text.chars().count() as u64);
        for (keyword, rule) in schema.as_object().unwrap() {
            let fits = match keyword.as_str() {
                "$ref" => {
                    let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                    self.check(&self.definitions[name], value)?;
                    true
                }
                "anyOf" => rule
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|schema| self.check(schema, value).is_ok()),
                "type" => match rule {
                    Json::String(name) => is_type(value, name),
                    names => names
                        .as_array()
                        .unwrap()
                        .iter()
                        .any(|name| is_type(value, name.as_str().unwrap())),
                },
                "enum" => rule.as_array().unwrap().contains(value),
                "minimum" => number(rule).is_none_or(|(value, limit)| value >= limit),
                "maximum" => number(rule).is_none_or(|(value, limit)| value <= limit),
                "minLength" => length.is_none_or(|length| length >= rule.as_u64().unwrap()),
                "maxLength" => length.is_none_or(|length| length <= rule.as_u64().unwrap()),
                "minItems" => value
                    .as_array()
                    .is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
                "minProperties" => value
                    .as_object()
                    .is_none_or(|o| o.len() as u64 >= rule.as_u64().unwrap()),
                "maxProperties" => value
                    .as_object()
                    .is_none_or(|o| o.len() as u64 <= rule.as_u64().unwrap()),
                "uniqueItems" => value.as_array().is_none_or(|items| {
                    items
                        .iter()
                        .enumerate()
                        .all(|(index, item)| !items[..index].contains(item))
                }),
                "required" => {
                    let names = rule
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|name| name.as_str().unwrap());
                    value
                        .as_object()
                        .is_none_or(|object| names.clone().all(|name| object.contains_key(name)))
                }
                "items" => {
                    for item in value.as_array().into_iter().flatten() {
                        self.check(rule, item)?;
                    }
                    true
                }
                "properties" => {
                    for (key, value) in value.as_object().into_iter().flatten() {
                        if let Some(schema) = rule.get(key) {
                            self.check(schema, value)
                                .map_err(|error| format!("{key}: {error}"))?;
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    for (key, value) in value.as_object().into_iter().flatten() {
                        if schema["properties"].get(key).is_none() {
                            match rule {
                                Json::Bool(false) => return Err(format!("unknown key {key}")),
                                schema => self.check(schema, value)?,
                            }
                        }
                    }
                    true
                }
                // Patterns are the parser's own checks in other words; there is no regular expression engine here.
                "pattern" => true,
                "description" | "title" | "examples" | "deprecated" | "$schema" | "$id"
                | "$defs" => true,
                other => {
                    return Err(format!(
                        "the schema uses `{other}`, which this test does not know"
                    ));
                }
            };
            if !fits {
                return Err(format!("{value} violates {keyword} {rule}"));
            }
        }
        Ok(())
    }
}

fn is_type(value: &Json, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("unknown type {other}"),
    }
}
