//! `kt spend`: what providers cost, and what they may cost.

mod provider_budget;
mod report;

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use collector::BudgetPeriod;

pub(crate) use provider_budget::minute;

use super::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what each provider cost
    Report(report::Report),
    /// Ceilings that the gateway enforces
    #[command(subcommand)]
    ProviderBudget(provider_budget::Command),
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Report(report) => report.run(),
            Self::ProviderBudget(command) => command.run(),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Begins at midnight UTC, weeks on Monday, months on the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Period {
    /// A day
    Daily,
    /// Monday to Sunday
    Weekly,
    /// A calendar month
    Monthly,
}

impl From<Period> for BudgetPeriod {
    fn from(period: Period) -> Self {
        match period {
            Period::Daily => Self::Daily,
            Period::Weekly => Self::Weekly,
            Period::Monthly => Self::Monthly,
        }
    }
}

/// Reads an amount above 0, for the command line.
pub(crate) fn usd(text: &str) -> Result<f64, String> {
    let amount: Option<f64> = text.strip_prefix('$').unwrap_or(text).parse().ok();
    amount
        .filter(|amount| amount.is_finite() && *amount > 0.0)
        .ok_or_else(|| "expected US dollars above 0, such as 5000 or 0.50".to_owned())
}
