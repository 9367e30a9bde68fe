//! What a gateway needs, looked at one by one: the policy, keys, providers, the collector, Envoy, ports.
//!
//! Nothing is changed, and nothing that costs money is sent.

mod aws;
mod collector;
mod keys;
mod models;
mod parts;
mod ports;
mod providers;
mod report;

use std::net::SocketAddr;
use std::path::PathBuf;

use policy::BaseUrl;

use report::{Finding, Report};

use crate::paths::{self, variable};
use crate::policy_file;
use crate::secrets::Secrets;

/// What is looked at.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) policy_config: PathBuf,
    pub(crate) filter_wasm: Option<PathBuf>,
    /// As `kt gateway run` would be told.
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) listen: SocketAddr,
    pub(crate) collector: BaseUrl,
    /// The collector is that of `kt gateway run`, which starts it.
    pub(crate) collector_is_own: bool,
}

/// Looks at everything. Providers are asked all at once, with their real keys.
pub(crate) fn examine(subject: &Subject) -> Report {
    let secrets = Secrets {
        folder: paths::secrets_folder(&variable, subject.data_dir.clone()),
        variables: &variable,
    };
    let mut report = Report::default();
    let name = subject.policy_config.display().to_string();
    match policy_file::read(&subject.policy_config, &secrets) {
        Ok(document) => {
            let providers = document.policy.targets.len();
            let message = format!("{name}: {providers} provider(s)");
            report.add(if document.warnings.is_empty() {
                Finding::ok("configuration", message)
            } else {
                let first = document
                    .warnings
                    .first()
                    .map_or("", |it| it.message.as_str());
                Finding::warning(
                    "configuration",
                    format!(
                        "{message}, {} warning(s), the first one: {first} (see `kt policy lint`)",
                        document.warnings.len()
                    ),
                )
            });
            report.extend(keys::findings(&document.policy, &secrets));
            report.extend(providers::findings(&document.policy, &secrets));
        }
        Err(refused) => {
            let detail = match &refused {
                policy_file::Refused::Invalid { rendered, .. } => {
                    let error = rendered.iter().find(|text| text.contains("error["));
                    error.and_then(|text| text.lines().next())
                }
                policy_file::Refused::Unreadable { .. } => None,
            };
            let detail = detail.map(|line| format!(", the first one: {line}"));
            report.add(Finding::failed(
                "configuration",
                format!("{refused}{}", detail.unwrap_or_default()),
            ));
        }
    }
    report.add(parts::envoy());
    report.add(parts::module(subject.filter_wasm.as_deref()));
    report.add(ports::gateway(subject.listen));
    report.add(collector::finding(subject));
    report
}
