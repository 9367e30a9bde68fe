//! What the catalogue's files may say. The modules are the build script's own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]
#![cfg(not(target_arch = "wasm32"))]
#![allow(unreachable_pub, dead_code)]

use std::collections::BTreeSet;
use std::path::Path;

#[macro_use]
#[path = "../src/words.rs"]
mod words;
#[path = "../src/dialect.rs"]
mod dialect;
#[path = "../src/endpoint.rs"]
mod endpoint;
#[path = "../build/error_rows.rs"]
mod error_rows;
#[path = "../src/error_rule.rs"]
mod error_rule;
#[path = "../src/fields.rs"]
mod fields;
#[path = "../build/models_file.rs"]
mod models_file;
#[path = "../build/provider_file.rs"]
mod provider_file;
#[path = "../build/source.rs"]
mod source;
#[path = "../src/upstream.rs"]
mod upstream;

use models_file::ModelsFile;
use provider_file::ProviderFile;

type Problem = String;

const PROVIDER: &str = r#"
name = "acme"
title = "Acme"
aliases = { value = ["acme-ai"], grade = "A", source = ["docs"] }
hosts = { value = ["api.acme.example"], grade = "A", source = ["docs"] }
format = { value = "openai", grade = "A", source = ["docs"] }
auth = { value = "authorization: Bearer KEY", grade = "A", source = ["docs"] }
endpoints = { value = ["chat_completions"], grade = "A", source = ["docs"] }
native_endpoints = ["chat_completions"]

[request]
output_limit = { value = "max_tokens", grade = "C", source = ["https://acme.example/api"] }

[errors]
grade = "B"
source = ["docs"]
rows = [{ statuses = [402], means = "quota_exhausted" }]

[sources]
docs = "https://acme.example/docs"
"#;

fn read_provider(text: &str, file: &str) -> Result<(), Problem> {
    let provider: ProviderFile = toml::from_str(text).map_err(|error| error.to_string())?;
    provider.checked(Path::new(file)).map(drop)
}

#[test]
fn a_provider_says_what_is_known_with_its_sources() {
    assert_eq!(read_provider(PROVIDER, "acme.toml"), Ok(()));
    for (old, new, complaint) in [
        (
            "title = \"Acme\"",
            "title = \"Acme\"\ncolour = \"red\"",
            "unknown field `colour`",
        ),
        (
            "output_limit",
            "output_limits",
            "request.output_limits: unknown key",
        ),
        (
            "value = \"max_tokens\"",
            "value = \"max_token\"",
            "request.output_limit: unknown word `max_token`",
        ),
        (
            "value = \"max_tokens\"",
            "value = true",
            "request.output_limit: ExpectedWord",
        ),
        (
            "source = [\"https://acme.example/api\"]",
            "source = []",
            "request.output_limit: a fact needs a source",
        ),
        (
            "source = [\"https://acme.example/api\"]",
            "source = [\"hearsay\"]",
            "`hearsay` is not among the file's sources",
        ),
        (
            "grade = \"C\"",
            "grade = \"D\"",
            "request.output_limit: grade D needs a note",
        ),
        ("grade = \"C\"", "grade = \"E\"", "unknown variant `E`"),
        ("grade = \"C\", ", "", "missing field `grade`"),
        ("\"openai\"", "\"soap\"", "unknown format `soap`"),
        (
            "authorization: Bearer KEY",
            "Bearer KEY",
            "auth: expected `header: prefix KEY`",
        ),
        (
            "[\"chat_completions\"]",
            "[\"chat\"]",
            "unknown endpoint `chat`",
        ),
        ("api.acme.example", "*.acme.*", "at most one `*`"),
        (
            "means = \"quota_exhausted\"",
            "means = \"poverty\"",
            "unknown meaning `poverty`",
        ),
        ("statuses = [402], ", "", "fits everything"),
        (
            "statuses = [402], ",
            "contains = [\"No Money\"], statuses = [402], ",
            "expected lower case",
        ),
        (
            "statuses = [402], ",
            "contains = [\"no money\"], statuses = [400, 402], ",
            "a client could send these words and blame the target",
        ),
        (
            "statuses = [402], ",
            "name = \"broke\", is = \"no money\", ",
            "expected one pattern, found two",
        ),
        (
            "name = \"acme\"",
            "name = \"Acme\"",
            "the file is to be called Acme.toml",
        ),
        (
            "\"acme-ai\"",
            "\"Acme AI\"",
            "lower case, digits, `-` and `.` only",
        ),
    ] {
        assert!(PROVIDER.contains(old), "{old}");
        let error = read_provider(&PROVIDER.replacen(old, new, 1), "acme.toml").unwrap_err();
        assert!(error.contains(complaint), "{complaint}: {error}");
    }
}

const MODELS: &str = r#"
prices_as_of = "2026-11-30"

[sources]
list = "a list of prices"

[[model]]
provider = "acme"
name = "anvil"
price = { input = 1.0, output = 2.0, as_of = "2026-11", above = [{ prompt_tokens = 9, input = 2.0, output = 4.0 }] }
grade = "C"
source = ["list"]

[[rule]]
at = ["acme"]
family = "anvil-"
from = "2"
request = { max_stop = 0 }
grade = "A"
source = ["https://acme.example/docs"]

[[retired]]
provider = "acme"
state = "retired"
date = "2026-01-31"
models = ["hammer"]
grade = "A"
source = ["list"]
"#;

fn read_models(text: &str) -> Result<(), Problem> {
    let models: ModelsFile = toml::from_str(text).map_err(|error| error.to_string())?;
    models.checked(&BTreeSet::from(["acme"])).map(drop)
}

#[test]
fn models_rules_and_retirements_are_checked() {
    assert_eq!(read_models(MODELS), Ok(()));
    for (old, new, complaint) in [
        ("name = \"anvil\"", "nme = \"anvil\"", "unknown field `nme`"),
        (
            "provider = \"acme\"",
            "provider = \"emca\"",
            "no provider `emca`",
        ),
        ("at = [\"acme\"]", "at = [\"emca\"]", "no provider `emca`"),
        (
            "source = [\"list\"]",
            "source = [\"lost\"]",
            "`lost` is not among the file's sources",
        ),
        (
            "as_of = \"2026-11\"",
            "as_of = \"lately\"",
            "`lately` is no date",
        ),
        (
            "max_stop = 0",
            "max_stop = \"none\"",
            "request.max_stop: ExpectedNumber(65535)",
        ),
        ("from = \"2\"", "from = \"two\"", "`two` is no version"),
        (
            "family = \"anvil-\"",
            "words = [\"pro\"]",
            "fits every model",
        ),
        (
            "state = \"retired\"",
            "state = \"gone\"",
            "unknown state `gone`",
        ),
        (
            "date = \"2026-01-31\"",
            "date = \"31.1.2026\"",
            "is no date",
        ),
        (
            "[[retired]]",
            "[[listed]]\nprovider = \"acme\"\nmodels = [\"anvil\"]\ngrade = \"A\"\nsource = [\"list\"]\n\n[[retired]]",
            "anvil is listed twice",
        ),
    ] {
        assert!(MODELS.contains(old), "{old}");
        let error = read_models(&MODELS.replacen(old, new, 1)).unwrap_err();
        assert!(error.contains(complaint), "{complaint}: {error}");
    }
}

/// What the build script cannot see: that what stands in the repository can be read by people.
#[test]
fn every_provider_file_begins_with_what_is_special_about_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("providers");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();
    assert_eq!(files.len(), 34);
    for file in files {
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(text.starts_with("# "), "{:?}", file.path());
        assert_eq!(read_provider(&text, file.path().to_str().unwrap()), Ok(()));
    }
}
