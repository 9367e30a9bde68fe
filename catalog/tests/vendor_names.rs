//! What is known of a vendor stands in the catalogue: no other crate's code names one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use catalog::Provider;

/// Crates whose code meets requests, policies or events of any vendor.
const CRATES: [&str; 10] = [
    "policy",
    "routing",
    "protocols",
    "guardrails",
    "ingress",
    "events",
    "filter",
    "collector",
    "envoy",
    "kt",
];

/// Vendors after whom a wire format, a header or a package is called, and names that are words of their own.
const ALLOWED: [&str; 5] = ["openai", "anthropic", "bedrock", "together", "compatible"];

/// Fields on the wire that are called after a vendor.
const FIELDS: [&str; 1] = ["x_groq"];

/// Files and folders that may name vendors, and why.
const EXCEPTIONS: [(&str, &str); 3] = [
    (
        "protocols/src/translate/embeddings_to_bedrock_titan.rs",
        "the id of a model at Bedrock says which wire format its embeddings have",
    ),
    ("kt/src/import", "what other gateways call their settings"),
    ("kt/src/commands/import.rs", "as above"),
];

/// What vendors and families of models are called besides.
const OTHER_NAMES: [&str; 4] = ["azure", "claude", "kimi", "llama"];

/// Without hyphens.
fn vendor_names() -> BTreeSet<String> {
    Provider::all()
        .map(|provider| provider.name().replace('-', ""))
        .filter(|name| !ALLOWED.iter().any(|allowed| name.contains(allowed)))
        .chain(OTHER_NAMES.map(str::to_owned))
        .collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if name != "tests" {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") && !matches!(name, "tests.rs" | "testing.rs" | "fixture.rs")
        {
            found.push(path);
        }
    }
}

/// Identifiers of a line, and its texts of one word; texts of several words are prose, and so are comments.
fn names_in(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    let mut names = Vec::new();
    for (number, part) in code.split('"').enumerate() {
        let is_text = number % 2 == 1;
        if !is_text || !part.contains(' ') {
            let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            let part = FIELDS
                .iter()
                .fold(part.to_owned(), |part, field| part.replace(field, ""));
            let words = part.split(|c| !is_of_name(c));
            names.extend(words.map(|word| word.replace(['_', '-', '.'], "").to_ascii_lowercase()));
        }
    }
    names
}

#[test]
fn no_other_crate_names_a_vendor() {
    let vendors = vendor_names();
    assert!(
        ["deepseek", "mistral", "vllm"]
            .iter()
            .all(|name| vendors.contains(*name))
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for name in CRATES {
        sources(&root.join(name).join("src"), &mut files);
    }
    assert!(files.len() > 300, "{}", files.len());
    let mut found = Vec::new();
    for file in files {
        let place = file
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        if EXCEPTIONS
            .iter()
            .any(|(exception, _)| place.starts_with(exception))
        {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (line, number) in product.lines().zip(1..) {
            for name in names_in(line) {
                if vendors.iter().any(|vendor| name.contains(vendor)) {
                    found.push(format!("{place}:{number}: {name}"));
                }
            }
        }
    }
    assert!(
        found.is_empty(),
        "knowledge of a vendor belongs into catalog/:\n{}",
        found.join("\n")
    );
}
