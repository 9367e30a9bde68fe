//! Keys as Kubernetes mounts them: each in a file of the name by which the policy calls it, beside one SDS file for each
//! target that leads to it.
//!
//! Both stand in one projected volume. Kubernetes replaces all of its files at once, so Envoy, which watches the folder,
//! reads a changed key without a restart. A missing key costs that target alone.

use std::collections::BTreeMap;

use policy::Credential;
use serde_json::{Value, json};

use crate::collector;
use crate::credential::{from_file, secret_name};
use crate::gateway::Gateway;
use crate::live::secret_resource;
use crate::proto::file_source;

/// SDS file of the collector's token. Those of targets begin with `target-`.
pub(crate) const COLLECTOR: &str = "collector.json";

/// Names and contents of the SDS files that lead to the keys in `folder`.
pub fn mounted_secrets(gateway: &Gateway, folder: &str) -> BTreeMap<String, Value> {
    let response = |name: &str, key: &str| {
        let source = json!({ "filename": format!("{folder}/{key}") });
        json!({ "resources": [secret_resource(name, source)] })
    };
    let mut files: BTreeMap<String, Value> = gateway
        .policy
        .targets
        .iter()
        .filter(|target| target.aws_sigv4_region.is_none())
        .filter_map(|target| match &target.credential {
            Credential::Env(key) | Credential::Store(key) => {
                Some((file(&target.id), response(&secret_name(&target.id), key)))
            }
            Credential::None => None,
        })
        .collect();
    if gateway.collector.as_ref().is_some_and(|it| it.with_token) {
        let token = response(collector::TOKEN, collector::TOKEN_VARIABLE);
        files.insert(COLLECTOR.to_owned(), token);
    }
    files
}

/// The secret `name`, which `file` of `folder` leads to.
pub(crate) fn secret(name: &str, folder: &str, file: &str) -> Value {
    let mut source = file_source(&format!("{folder}/{file}"));
    source["path_config_source"]["watched_directory"] = json!({ "path": folder });
    from_file(name, source)
}

/// The SDS file of a target. Kubernetes allows letters, digits, dashes, underscores and dots; another character becomes
/// its code between dots.
pub(crate) fn file(target: &str) -> String {
    let escape = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => String::from(c),
        other => format!(".{:x}.", u32::from(other)),
    };
    let name: String = target.chars().map(escape).collect();
    format!("target-{name}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_file_of_its_own() {
        for (id, expected) in [
            ("openai", "target-openai.json"),
            ("a.b", "target-a.2e.b.json"),
            ("../x", "target-.2e..2e..2f.x.json"),
        ] {
            assert_eq!(file(id), expected);
        }
    }
}
