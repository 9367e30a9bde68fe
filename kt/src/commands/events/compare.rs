//! `kt events compare`: an experiment's arms side by side, and what is proved.

use clap::Args;
use collector::{Arm, CompareQuery, Comparison, Condition, Dimension, Estimate};

use super::filter::{FilterArgs, now};
use crate::commands::Failure;
use crate::commands::source::Source;
use crate::output::table::{Column, printable, render};
use crate::output::{Shape, amount, print, print_json};

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The group whose members are the arms
    #[arg(long, value_name = "GROUP")]
    group: String,
    /// What tells the arms apart: keys of `kt events list --group-by`
    #[arg(long, value_name = "KEY", value_delimiter = ',', default_value = "tag")]
    by: Vec<String>,
    /// Table for people, or JSON
    #[arg(long, visible_alias = "output", value_enum, default_value_t = Shape::Table)]
    format: Shape,
    /// Short for --format json
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    source: Source,
}

impl Compare {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut filter = self.filter.filter(Some("7d"), now())?;
        filter
            .conditions
            .push(Condition::try_new("model_group", &self.group)?);
        let mut by = Vec::new();
        for name in &self.by {
            by.push(
                Dimension::parse(name.trim())
                    .ok_or_else(|| format!("--by: cannot tell arms apart by {name:?}"))?,
            );
        }
        let comparison = self
            .source
            .for_reading()?
            .compare(&CompareQuery { filter, by })?;
        if self.json || self.format == Shape::Json {
            print_json(&comparison)?;
        } else {
            print(&text(&comparison))?;
        }
        Ok(())
    }
}

fn text(comparison: &Comparison) -> String {
    let columns = [
        Column::text("ARM"),
        Column::number("REQUESTS"),
        Column::number("ERRORS"),
        Column::number("P50"),
        Column::number("P99"),
        Column::number("MEAN LATENCY"),
        Column::number("TOKENS IN"),
        Column::number("TOKENS OUT"),
        Column::number("COST/REQUEST"),
        Column::number("TOTAL COST"),
        Column::number("COST/1M TOKENS"),
        Column::number("QUALITY SCORE"),
    ];
    let rows: Vec<Vec<String>> = comparison.arms.iter().map(cells).collect();
    let mut text = render(&columns, &rows);
    text.push_str("In brackets: where the true value lies with 95% confidence.\n\n");
    text.push_str(&printable(&comparison.verdict));
    text.push('\n');
    text
}

#[allow(clippy::cast_precision_loss)] // Counts of a report are far below 2^53.
fn cells(arm: &Arm) -> Vec<String> {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    vec![
        arm.name.clone(),
        amount::count(arm.requests as f64),
        estimate(&arm.error_rate, amount::share),
        or_dash(arm.latency_p50_ms.map(amount::milliseconds)),
        or_dash(arm.latency_p99_ms.map(amount::milliseconds)),
        or_dash(
            arm.latency_mean_ms
                .map(|mean| estimate(&mean, amount::milliseconds)),
        ),
        amount::count(arm.input_tokens as f64),
        amount::count(arm.output_tokens as f64),
        or_dash(
            arm.cost_per_request_usd
                .map(|cost| estimate(&cost, amount::usd)),
        ),
        or_dash(arm.total_cost_usd.map(amount::usd)),
        or_dash(arm.cost_per_1m_tokens_usd.map(amount::usd)),
        or_dash(
            arm.quality_score
                .map(|score| estimate(&score, amount::share)),
        ),
    ]
}

fn estimate(estimate: &Estimate, form: fn(f64) -> String) -> String {
    format!(
        "{} [{} .. {}]",
        form(estimate.value),
        form(estimate.low),
        form(estimate.high)
    )
}
