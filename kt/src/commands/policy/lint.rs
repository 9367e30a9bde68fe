//! `kt policy lint`: findings, and the verdict as exit code.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::policy::{Finding, LintReport, Policy, Source};
use clap::Args;

use super::contents::contents;
use crate::commands::Failure;
use crate::output::{print, print_json};
use crate::paths::{self, variable};
use crate::policy_file;
use crate::secrets::Secrets;

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// The policy, in YAML or JSON; `-` is standard input
    #[arg(value_name = "FILE", required_unless_present = "file")]
    policy: Option<PathBuf>,
    /// The same
    #[arg(long, short, value_name = "FILE", conflicts_with = "policy")]
    file: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Keys that are not set are errors
    #[arg(long)]
    strict: bool,
    /// Say what a valid policy holds, prices included
    #[arg(long, short)]
    verbose: bool,
}

impl Lint {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let file = self.policy.as_deref().or(self.file.as_deref());
        let (file, name) = policy_file::named(file.unwrap_or(Path::new("-")));
        let text = match policy_file::text(&file) {
            Ok(text) => text,
            Err(refused) if self.json => {
                print_json(&LintReport::unreadable(&name, &refused.to_string()))?;
                return Ok(ExitCode::FAILURE);
            }
            Err(refused) => return Err(refused.into()),
        };
        let secrets = Secrets {
            folder: paths::secrets_folder(&variable, None),
            variables: &variable,
        };
        let (policy, findings) = policy_file::lint(&text, &secrets, self.strict);
        let report = LintReport::new(&name, &findings);
        match self.show(&report, &findings, &text, policy.as_ref()) {
            // Whoever reads has seen enough, but the verdict stays what it is.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            shown => shown?,
        }
        Ok(if report.valid {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(super::INVALID)
        })
    }

    fn show(
        &self,
        report: &LintReport,
        findings: &[Finding],
        text: &str,
        policy: Option<&Policy>,
    ) -> io::Result<()> {
        if self.json {
            return print_json(report);
        }
        let source = Source::new(text);
        for finding in findings {
            print(&format!(
                "{}\n",
                finding.render_human(&report.file, &source)
            ))?;
        }
        print(&format!("{}\n", verdict(&report.file, report)))?;
        match policy.filter(|_| self.verbose) {
            Some(policy) => print(&contents(policy)),
            None => Ok(()),
        }
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
