//! `kt spend provider-budget`: ceilings of providers.

use clap::{Args, Subcommand};
use collector::{Budget, BudgetPeriod, NewBudget};
use events::Timestamp;

use super::{Period, usd};
use crate::commands::Failure;
use crate::commands::source::Source;
use crate::output::table::{Column, render};
use crate::output::{Format, amount, csv, print, print_json};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Set a provider's ceiling; one that is there for the same period gets the new limit
    Create(Create),
    /// Show all ceilings, and what is left of them
    List(List),
    /// Take a ceiling away
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Id of a target in the policy, or a vendor: all its targets together
    #[arg(long, value_name = "NAME")]
    provider: String,
    /// Also if no gateway has a target or vendor of this name yet
    #[arg(long)]
    allow_unknown: bool,
    /// US dollars for each period
    #[arg(long, value_name = "USD", allow_negative_numbers = true, value_parser = usd)]
    limit: f64,
    /// How long a period is; all begin at midnight UTC, weeks on Monday, months on the first
    #[arg(long, value_enum)]
    period: Period,
    /// Print the budget as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Table for people, one JSON array, or CSV
    #[arg(long, visible_alias = "output", value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Short for --format json
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Id of the budget, as `list` shows it
    #[arg(
        value_name = "BUDGET",
        required_unless_present = "provider",
        conflicts_with = "provider"
    )]
    id: Option<String>,
    /// The target or vendor that it is of
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Which of its ceilings, if it has several
    #[arg(long, value_enum, requires = "provider")]
    period: Option<Period>,
    #[command(flatten)]
    source: Source,
}

impl Command {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(),
            Self::List(list) => list.run(),
            Self::Delete(delete) => delete.run(),
        }
    }
}

impl Create {
    fn run(self) -> Result<(), Failure> {
        let budget = self.source.for_writing()?.create_budget(&NewBudget {
            provider: self.provider,
            limit_usd: self.limit,
            period: self.period.into(),
            allow_unknown: self.allow_unknown,
        })?;
        if self.json {
            print_json(&budget)?;
        } else {
            print(&format!(
                "{}: {} {} for {}; {} spent, next period {}\n",
                budget.id,
                amount::usd(budget.limit_usd),
                budget.period.name(),
                budget.provider,
                amount::usd(budget.spent_usd),
                minute(budget.period_end_ms),
            ))?;
        }
        Ok(())
    }
}

impl List {
    fn run(self) -> Result<(), Failure> {
        let budgets = self.source.for_reading()?.budgets()?;
        for budget in &budgets {
            if let Some(error) = &budget.error {
                eprintln!(
                    "{}: its record cannot be read: {error}; create the budget again, or delete it by its id",
                    budget.id
                );
            }
        }
        match if self.json { Format::Json } else { self.format } {
            Format::Json => print_json(&budgets)?,
            Format::Csv => {
                let mut text = csv::record([
                    "id",
                    "provider",
                    "period",
                    "limit_usd",
                    "spent_usd",
                    "remaining_usd",
                    "next_period",
                ]);
                for budget in &budgets {
                    let cells = exact(budget);
                    text.push_str(&csv::record(cells.iter().map(String::as_str)));
                }
                print(&text)?;
            }
            Format::Table => {
                let columns = [
                    Column::text("BUDGET"),
                    Column::text("PROVIDER"),
                    Column::text("PERIOD"),
                    Column::number("LIMIT"),
                    Column::number("SPENT"),
                    Column::number("REMAINING"),
                    Column::text("NEXT PERIOD"),
                ];
                let rows: Vec<Vec<String>> = budgets.iter().map(shown).collect();
                print(&render(&columns, &rows))?;
            }
        }
        Ok(())
    }
}

impl Delete {
    fn run(self) -> Result<(), Failure> {
        let api = self.source.for_reading()?;
        let id = match (self.id, self.provider) {
            (Some(id), _) => id,
            (None, Some(provider)) => {
                let period = self.period.map(BudgetPeriod::from);
                only_budget(&api.budgets()?, &provider, period)?
            }
            // clap asks for one of them.
            (None, None) => return Err("expected a budget or --provider".into()),
        };
        api.delete_budget(&id)?;
        print(&format!("{id} deleted\n"))?;
        Ok(())
    }
}

/// The id of the one budget that is meant.
fn only_budget(
    budgets: &[Budget],
    provider: &str,
    period: Option<BudgetPeriod>,
) -> Result<String, Failure> {
    let meant = |budget: &&Budget| {
        budget.provider == provider && period.is_none_or(|period| period == budget.period)
    };
    let found: Vec<&Budget> = budgets.iter().filter(meant).collect();
    match found.as_slice() {
        [only] => Ok(only.id.clone()),
        [] => Err(format!("provider {provider:?} has no such budget").into()),
        several => Err(format!(
            "provider {provider:?} has {} budgets: say which one with --period",
            several.len()
        )
        .into()),
    }
}

fn shown(budget: &Budget) -> Vec<String> {
    if budget.error.is_some() {
        let mut cells = vec![budget.id.clone(), budget.provider.clone()];
        cells.extend(["UNREADABLE", "-", "-", "-", "-"].map(str::to_owned));
        return cells;
    }
    vec![
        budget.id.clone(),
        budget.provider.clone(),
        budget.period.name().to_owned(),
        amount::usd(budget.limit_usd),
        amount::usd(budget.spent_usd),
        amount::usd(budget.remaining_usd),
        minute(budget.period_end_ms),
    ]
}

fn exact(budget: &Budget) -> Vec<String> {
    if budget.error.is_some() {
        let mut cells = vec![budget.id.clone(), budget.provider.clone()];
        cells.resize(7, String::new());
        return cells;
    }
    vec![
        budget.id.clone(),
        budget.provider.clone(),
        budget.period.name().to_owned(),
        budget.limit_usd.to_string(),
        budget.spent_usd.to_string(),
        budget.remaining_usd.to_string(),
        Timestamp::from_millis(budget.period_end_ms).to_string(),
    ]
}

/// `2026-12-01 00:00 UTC`
pub(crate) fn minute(unix_ms: u64) -> String {
    let text = Timestamp::from_millis(unix_ms).to_string();
    let until_minute = text.get(..16).unwrap_or(&text);
    format!("{} UTC", until_minute.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_ends_at_a_minute() {
        assert_eq!(minute(1_700_000_000_000), "2023-11-14 22:13 UTC");
    }
}
