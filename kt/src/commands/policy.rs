//! `kt policy`: lint and schema.

use std::path::PathBuf;
use std::process::ExitCode;

use ::policy::{LintReport, Policy};
use clap::{Args, Subcommand};

use super::Failure;
use crate::paths::{self, variable};
use crate::policy_file;
use crate::secrets::Secrets;

/// What a program that asked for a verdict reads as "no".
const INVALID: u8 = 2;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a policy: exit code 0 if it can be used, 2 if not
    Lint(Lint),
    /// Print the JSON Schema of policies
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// The policy, in YAML or JSON
    #[arg(long, short, value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Keys that are not set are errors
    #[arg(long)]
    strict: bool,
    /// Say what a valid policy holds
    #[arg(long, short)]
    verbose: bool,
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Lint(lint) => lint.run(),
            Self::Schema => {
                println!("{}", ::policy::json_schema().trim_end());
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl Lint {
    fn run(self) -> Result<ExitCode, Failure> {
        let text = policy_file::text(&self.file)?;
        let secrets = Secrets {
            folder: paths::secrets_folder(&variable, None),
            variables: &variable,
        };
        let (policy, findings) = policy_file::lint(&text, &secrets, self.strict);
        let name = self.file.display().to_string();
        let report = LintReport::new(&name, &findings);
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            for finding in &findings {
                println!("{}", finding.render_human(&name, &text));
            }
            println!("{}", verdict(&name, &report));
            if let Some(policy) = policy.filter(|_| self.verbose) {
                print!("{}", contents(&policy));
            }
        }
        Ok(if report.valid {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(INVALID)
        })
    }
}

fn verdict(name: &str, report: &LintReport) -> String {
    let word = if report.valid { "valid" } else { "invalid" };
    let counts = [
        (report.errors.len(), "error"),
        (report.warnings.len(), "warning"),
    ];
    let counted: Vec<String> = counts
        .into_iter()
        .filter(|&(count, _)| count > 0)
        .map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if counted.is_empty() {
        format!("{name}: {word}")
    } else {
        format!("{name}: {word} ({})", counted.join(", "))
    }
}

/// One line for each target, group and policy.
fn contents(policy: &Policy) -> String {
    let mut out = String::new();
    for target in &policy.targets {
        let url = &target.base_url;
        let scheme = if url.tls { "https" } else { "http" };
        let vendor = target.vendor.name();
        out += &format!(
            "  target {}: {vendor}, {scheme}://{}{}, timeout {} ms\n",
            target.id,
            url.authority(),
            url.path,
            target.timeout_ms
        );
    }
    for group in &policy.groups {
        let members: Vec<&str> = group
            .members
            .iter()
            .filter_map(|member| policy.target(member.target))
            .map(|target| target.id.as_str())
            .collect();
        let names = std::iter::once(&group.name).chain(&group.aliases);
        let names: Vec<&str> = names.map(String::as_str).collect();
        out += &format!(
            "  group {}: {} over {}\n",
            names.join(", "),
            group.strategy.name(),
            members.join(", ")
        );
    }
    for content in &policy.content_policies {
        out += &format!("  policy {}\n", content.name);
    }
    out
}
