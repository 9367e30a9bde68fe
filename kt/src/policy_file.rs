//! A policy document on disk, read with what this machine knows.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use catalog::Provider;
use policy::{Credential, Finding, LoadOptions, MAX_DOCUMENT_BYTES, Policy, Severity, Source};
use routing::price;
use sha2::{Digest, Sha256};

use crate::files;
use crate::model_check;
use crate::secrets::Secrets;

/// A document that can be used.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// Resolved.
    pub(crate) policy: Policy,
    /// As the user wrote it.
    pub(crate) text: String,
    /// What lint found, by position: warnings only.
    pub(crate) warnings: Vec<Finding>,
    /// Values of variables that stand for base URLs.
    pub(crate) endpoints: BTreeMap<String, String>,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// Not there, not readable, not text.
    #[error("cannot read {file}: {source}", file = .file.display())]
    Unreadable {
        /// As named by the user.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Lint found errors.
    #[error("{file} has {errors} error(s)", file = .file.display())]
    Invalid {
        /// As named by the user.
        file: PathBuf,
        /// How many.
        errors: usize,
        /// All findings, rendered for people.
        rendered: Vec<String>,
    },
}

/// Reads and lints `file`.
pub(crate) fn read(file: &Path, secrets: &Secrets) -> Result<Document, Refused> {
    check(file, text(file)?, secrets)
}

/// Lints `text`, which was in `file`.
pub(crate) fn check(file: &Path, text: String, secrets: &Secrets) -> Result<Document, Refused> {
    let (policy, findings) = lint(&text, secrets, false);
    let Some(policy) = policy else {
        let name = file.display().to_string();
        let source = Source::new(&text);
        let is_error = |finding: &&Finding| finding.severity == Severity::Error;
        return Err(Refused::Invalid {
            file: file.to_owned(),
            errors: findings.iter().filter(is_error).count(),
            rendered: findings
                .iter()
                .map(|finding| finding.render_human(&name, &source))
                .collect(),
        });
    };
    Ok(Document {
        endpoints: endpoints(&text, secrets),
        policy,
        text,
        warnings: findings,
    })
}

/// The file that a user means, and what to call it: `-` is standard input.
pub(crate) fn named(file: &Path) -> (PathBuf, String) {
    if file == Path::new("-") {
        return (PathBuf::from("/dev/stdin"), String::from("standard input"));
    }
    (file.to_owned(), file.display().to_string())
}

/// The text of `file`.
pub(crate) fn text(file: &Path) -> Result<String, Refused> {
    files::read_text_to_end(file, MAX_DOCUMENT_BYTES).map_err(|source| Refused::Unreadable {
        file: file.to_owned(),
        source,
    })
}

/// Everything that lint can find on this machine. The policy is there if there are no errors.
pub(crate) fn lint(text: &str, secrets: &Secrets, strict: bool) -> (Option<Policy>, Vec<Finding>) {
    let has_key = |credential: &Credential| secrets.key(credential).is_ok();
    let today = model_check::today();
    let model_check = |vendor, model: &str| model_check::warning(vendor, model, &today);
    let loaded = policy::load_with(
        text,
        &LoadOptions {
            variable_is_set: Some(&has_key),
            endpoint: Some(&|name| (secrets.variables)(name)),
            known_price: Some(&knows_price),
            model_check: Some(&model_check),
            strict,
        },
    );
    (loaded.policy, loaded.findings)
}

fn knows_price(vendor: Provider, model: &str) -> bool {
    price::built_in(vendor, model).is_some()
}

/// First twelve hex digits of the text's SHA-256: names this version of the policy.
pub(crate) fn version(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The variables that stand for base URLs and are set. They are those that are missing when nothing is looked up.
fn endpoints(text: &str, secrets: &Secrets) -> BTreeMap<String, String> {
    let options = LoadOptions {
        known_price: Some(&knows_price),
        ..LoadOptions::default()
    };
    let unresolved = policy::load_with(text, &options)
        .policy
        .map(|policy| policy.targets)
        .unwrap_or_default();
    let named = unresolved
        .into_iter()
        .filter_map(|target| target.endpoint_variable);
    named
        .filter_map(|name| (secrets.variables)(&name).map(|value| (name, value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_beginning_of_the_sha_256() {
        // FIPS 180-2, the test vector "abc": ba7816bf 8f01cfea ...
        assert_eq!(version("abc"), "ba7816bf8f01");
    }
}
