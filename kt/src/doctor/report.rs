//! What was found.

use serde::Serialize;

use crate::output::table::{Column, render};

/// All that was found, in the order in which it was looked at.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Nothing failed.
    ok: bool,
    checks: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What.
    check: String,
    status: Status,
    /// What was found, and what to do where it is not good.
    message: String,
    /// How long the answer took.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<u64>,
}

/// Whether it is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// It is.
    Ok,
    /// The gateway runs, but not as it could.
    Warning,
    /// The gateway does not run, or a provider does not serve.
    Failed,
}

impl Report {
    pub(crate) fn add(&mut self, finding: Finding) {
        self.checks.push(finding);
        self.ok = self.checks.iter().all(|it| it.status != Status::Failed);
    }

    pub(crate) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        findings.into_iter().for_each(|finding| self.add(finding));
    }

    /// Nothing failed.
    pub(crate) fn is_ok(&self) -> bool {
        self.ok
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let columns = [
            Column::text("STATUS"),
            Column::text("CHECK"),
            Column::text("FOUND"),
        ];
        let row = |finding: &Finding| {
            let status = match finding.status {
                Status::Ok => "ok",
                Status::Warning => "warning",
                Status::Failed => "FAILED",
            };
            let latency = finding.latency_ms.map(|time| format!(" ({time} ms)"));
            vec![
                status.to_owned(),
                finding.check.clone(),
                format!("{}{}", finding.message, latency.unwrap_or_default()),
            ]
        };
        render(&columns, &self.checks.iter().map(row).collect::<Vec<_>>())
    }
}

impl Finding {
    pub(crate) fn ok(check: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(check, Status::Ok, message)
    }

    pub(crate) fn warning(check: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(check, Status::Warning, message)
    }

    pub(crate) fn failed(check: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(check, Status::Failed, message)
    }

    /// With the time that the answer took.
    pub(crate) fn after(mut self, latency_ms: u64) -> Self {
        self.latency_ms = Some(latency_ms);
        self
    }

    fn new(check: impl Into<String>, status: Status, message: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            status,
            message: message.into(),
            latency_ms: None,
        }
    }
}
