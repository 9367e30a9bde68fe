//! `kt spend report`: what each provider cost.

use clap::Args;
use collector::{
    AggregateQuery, AggregateReport, AggregateRow, Condition, Dimension, EventFilter, Metric,
    parse_time,
};
use serde_json::{Map, Value};

use crate::commands::Failure;
use crate::commands::events::now;
use crate::commands::source::Source;
use crate::output::table::{Column, printable, render};
use crate::output::{Format, csv, metric, print, print_json};

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Not before: 24h, 7d ago, a day (2026-11-21) or a time in UTC
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: String,
    /// Before: the same [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// A row for each: provider, resolved_model, model_group, key_name, …, as in `kt events list`
    #[arg(long, value_name = "KEY", default_value = "provider")]
    by: String,
    /// What simulated providers would have cost as well
    #[arg(long)]
    simulated: bool,
    /// Table for people, one JSON array, or CSV
    #[arg(long, visible_alias = "output", value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Short for --format json
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

/// The numbers and their headings.
const NUMBERS: [(Metric, &str); 5] = [
    (Metric::RequestCount, "REQUESTS"),
    (Metric::TotalInputTokens, "INPUT TOKENS"),
    (Metric::TotalOutputTokens, "OUTPUT TOKENS"),
    (Metric::TotalCost, "TOTAL COST"),
    (Metric::CostPerRequest, "COST/REQUEST"),
];

/// What programs get: the same, and how many requests are in no cost because no price is known.
fn metrics() -> Vec<Metric> {
    let numbers = NUMBERS.iter().map(|(metric, _)| *metric);
    numbers.chain([Metric::UnpricedCount]).collect()
}

impl Report {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let now = now();
        let time = |option: &str, text: &str| {
            parse_time(text, now).map_err(|error| format!("{option}: {error}"))
        };
        let until = self.until.as_deref();
        let filter = EventFilter {
            since: Some(time("--since", &self.since)?),
            until: until.map(|text| time("--until", text)).transpose()?,
            conditions: if self.simulated {
                Vec::new()
            } else {
                vec![Condition::try_new("simulated", "false")?]
            },
            ..EventFilter::default()
        };
        let by = Dimension::parse(self.by.trim())
            .ok_or_else(|| format!("--by: cannot group by {:?}", self.by))?;
        let api = self.source.for_reading()?;
        let query = |group_by| AggregateQuery {
            filter: filter.clone(),
            group_by,
            metrics: metrics(),
            limit: None,
        };
        let groups = api.aggregate(&query(vec![by]))?;
        match if self.json { Format::Json } else { self.format } {
            Format::Json => {
                let rows: Vec<_> = groups.rows.iter().map(|row| object(by, row)).collect();
                print_json(&rows)?;
            }
            Format::Csv => print(&spreadsheet(by, &groups))?,
            Format::Table => {
                let total = api.aggregate(&query(Vec::new()))?;
                print(&table(by, &groups, &total))?;
            }
        }
        let unpriced = groups.rows.iter().filter_map(|row| {
            let count = row.values.last().copied().flatten()?;
            (count > 0.0).then(|| (name(row).unwrap_or_else(|| "-".to_owned()), count))
        });
        for (name, count) in unpriced {
            let name = printable(&name);
            eprintln!("{name}: {count} requests have no known price and are not in the cost");
        }
        Ok(())
    }
}

fn name(row: &AggregateRow) -> Option<String> {
    row.group.first().cloned().flatten()
}

fn object(by: Dimension, row: &AggregateRow) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert(by.name().to_owned(), name(row).into());
    for (metric, value) in metrics().into_iter().zip(&row.values) {
        object.insert(metric.name().to_owned(), metric::exact(metric, *value));
    }
    object
}

fn spreadsheet(by: Dimension, report: &AggregateReport) -> String {
    let metrics = metrics();
    let names = metrics.iter().map(|metric| metric.name());
    let mut text = csv::record(std::iter::once(by.name()).chain(names));
    for row in &report.rows {
        let mut cells = vec![name(row).unwrap_or_default()];
        let numbers = metrics.iter().zip(&row.values);
        cells.extend(
            numbers.map(|(metric, value)| match metric::exact(*metric, *value) {
                Value::Null => String::new(),
                number => number.to_string(),
            }),
        );
        text.push_str(&csv::record(cells.iter().map(String::as_str)));
    }
    text
}

fn table(by: Dimension, groups: &AggregateReport, total: &AggregateReport) -> String {
    let mut columns = vec![Column::text(by.name().to_uppercase().replace('_', " "))];
    columns.extend(NUMBERS.iter().map(|(_, heading)| Column::number(*heading)));
    let cells = |first: String, row: &AggregateRow| -> Vec<String> {
        let numbers = NUMBERS
            .iter()
            .zip(&row.values)
            .map(|((metric, _), value)| metric::shown(*metric, *value));
        std::iter::once(first).chain(numbers).collect()
    };
    let mut rows: Vec<Vec<String>> = groups
        .rows
        .iter()
        .map(|row| cells(name(row).unwrap_or_else(|| "-".to_owned()), row))
        .collect();
    if groups.rows.len() > 1 {
        rows.extend(total.rows.first().map(|row| cells("total".to_owned(), row)));
    }
    render(&columns, &rows)
}
