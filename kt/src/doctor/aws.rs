//! Where Envoy will find AWS's own credentials, for targets that it signs for.
//!
//! Source: Envoy's default credential provider chain, which looks in these places in this order, as AWS's tools do.

use std::path::{Path, PathBuf};

use super::report::Finding;

const KEY: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
const WEB_IDENTITY: [&str; 2] = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"];
const CONTAINER: [&str; 2] = [
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];
const NO_MACHINE_ROLE: &str = "AWS_EC2_METADATA_DISABLED";

/// The finding called `check`. `variable` reads the environment, with no value for an empty one.
pub(super) fn finding(
    check: String,
    region: &str,
    variable: impl Fn(&str) -> Option<String>,
    is_file: impl Fn(&Path) -> bool,
) -> Finding {
    let advice = format!("set {} and {}", KEY[0], KEY[1]);
    let may_ask_machine = || {
        let disabled = variable(NO_MACHINE_ROLE);
        !disabled.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    match place(&variable, is_file) {
        Some(place) => {
            let message = format!("AWS's own credentials sign for {region}: {place}");
            Finding::ok(check, message)
        }
        None if may_ask_machine() => {
            let message = format!(
                "nothing but a role of this machine can sign for {region}; if it has none, {advice}"
            );
            Finding::warning(check, message)
        }
        None => {
            let message = format!("no AWS credentials to sign for {region}: {advice}");
            Finding::failed(check, message)
        }
    }
}

/// The first place that has credentials or leads to them.
fn place(
    variable: impl Fn(&str) -> Option<String>,
    is_file: impl Fn(&Path) -> bool,
) -> Option<String> {
    let is_set = |name: &&str| variable(name).is_some();
    let variable_named = |name| format!("variable {name}");
    if KEY.iter().all(is_set) {
        return Some(variable_named(KEY[0]));
    }
    if let Some(file) = credentials_file(&variable).filter(|file| is_file(file)) {
        return Some(file.display().to_string());
    }
    if WEB_IDENTITY.iter().all(is_set) {
        return Some(variable_named(WEB_IDENTITY[0]));
    }
    CONTAINER.into_iter().find(is_set).map(variable_named)
}

fn credentials_file(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let below_home = || Some(Path::new(&variable("HOME")?).join(".aws/credentials"));
    variable("AWS_SHARED_CREDENTIALS_FILE")
        .map(PathBuf::from)
        .or_else(below_home)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::Status;

    #[test]
    fn the_first_place_that_has_credentials_is_named() {
        let home = ("HOME", "/home/u");
        let key_id = ("AWS_ACCESS_KEY_ID", "AKID");
        let secret = ("AWS_SECRET_ACCESS_KEY", "s3cr3t");
        let container = (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://169.254.170.2/x",
        );
        let own_file = ("AWS_SHARED_CREDENTIALS_FILE", "/k");
        let (token, role) = (
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
        );
        let disabled = ("AWS_EC2_METADATA_DISABLED", "True");
        let usual = "/home/u/.aws/credentials";
        for (variables, file, status, part) in [
            (vec![key_id, secret], None, Status::Ok, key_id.0),
            (vec![key_id], None, Status::Warning, "role of this machine"),
            (
                vec![key_id, disabled],
                None,
                Status::Failed,
                "no AWS credentials",
            ),
            (vec![container, disabled], Some(usual), Status::Ok, usual),
            (vec![own_file], Some("/k"), Status::Ok, "/k"),
            (
                vec![own_file, container],
                Some(usual),
                Status::Ok,
                container.0,
            ),
            (vec![token, role, container], None, Status::Ok, token.0),
            (vec![token, container], None, Status::Ok, container.0),
        ] {
            let variable = |name: &str| {
                let mut all = variables.iter().chain([&home]);
                let found = all.find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let is_file = |path: &Path| Some(path) == file.map(Path::new);
            let found = finding("key of b".to_owned(), "eu-west-1", variable, is_file);
            let json = serde_json::to_value(&found).unwrap();
            assert_eq!(
                json["status"],
                serde_json::to_value(status).unwrap(),
                "{json}"
            );
            let message = json["message"].as_str().unwrap();
            assert!(message.contains(part), "{message} {variables:?}");
            assert!(!message.contains("s3cr3t"), "{message}");
        }
    }
}
