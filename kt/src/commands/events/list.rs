//! `kt events list`: numbers in groups, or events themselves.

use clap::Args;
use collector::{AggregateQuery, AggregateReport, AggregateRow, Dimension, Metric};
use serde_json::{Map, Value};

use super::columns;
use super::filter::{FilterArgs, now};
use super::lookup::{cell, lookup};
use super::pages::{Latest, latest};
use crate::commands::Failure;
use crate::commands::count::count;
use crate::commands::source::Source;
use crate::output::table::{Column, render};
use crate::output::{Format, csv, metric, print, print_json};

/// Columns of events where none are named.
const EVENT_FIELDS: [&str; 8] = [
    "timestamp",
    "model",
    "provider",
    "resolved_model",
    "status_code",
    "latency_ms",
    "tokens.total",
    "actual_cost_usd",
];

/// Events that are shown where nothing is said.
const DEFAULT_EVENTS: usize = 100;

#[derive(Debug, Args)]
pub(crate) struct List {
    /// A row for each value of: provider, vendor, model, resolved_model, model_group, tag, region, strategy, status_code,
    /// decision, key_name, gateway_id, hour, day; several with commas. Without it: the events
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    group_by: Vec<String>,
    /// The columns in this order: keys of --group-by and metrics (request_count, error_rate, latency_p50, latency_p99,
    /// ttft_p50, total_input_tokens, total_output_tokens, total_cost, cost_per_request, cache_share, …); without
    /// --group-by: fields of events
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    fields: Vec<String>,
    /// The most rows; stderr says when there are more [default: all groups, the latest 100 events]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count)]
    limit: Option<usize>,
    /// Table for people, one JSON array, or CSV
    #[arg(long, visible_alias = "output", value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Short for --format json
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    source: Source,
}

/// A column of a report: a key that it is grouped by, or a number. Positions in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Group(usize),
    Number(usize, Metric),
}

impl List {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let format = if self.json { Format::Json } else { self.format };
        if self.group_by.is_empty() && !self.asks_for_totals() {
            self.events(format)
        } else {
            self.numbers(format)
        }
    }

    /// Metrics without groups: one row for everything.
    fn asks_for_totals(&self) -> bool {
        !self.fields.is_empty() && self.fields.iter().all(|name| Metric::parse(name).is_some())
    }

    fn numbers(&self, format: Format) -> Result<(), Failure> {
        let (group_by, metrics, columns) = plan(&self.group_by, &self.fields)?;
        let query = AggregateQuery {
            filter: self.filter.filter(None, now())?,
            group_by,
            metrics,
            limit: self.limit,
        };
        let report = self.source.for_reading()?.aggregate(&query)?;
        match format {
            Format::Json => print_json(&json(&report, &columns))?,
            Format::Csv => print(&spreadsheet(&report, &columns))?,
            Format::Table => print(&table(&report, &columns))?,
        }
        if report.is_truncated() {
            let (shown, all) = (report.rows.len(), report.total_rows);
            let by_time = report.group_by.first().is_some_and(|first| first.is_time());
            let which = if by_time { "latest" } else { "largest" };
            eprintln!("{all} rows, of which these are the {shown} {which}: see more with --limit");
        }
        Ok(())
    }

    fn events(&self, format: Format) -> Result<(), Failure> {
        let filter = self.filter.filter(None, now())?;
        let limit = self.limit.unwrap_or(DEFAULT_EVENTS);
        let Latest { events, more } = latest(self.source.for_reading()?.as_ref(), &filter, limit)?;
        let fields: Vec<&str> = if self.fields.is_empty() {
            EVENT_FIELDS.to_vec()
        } else {
            self.fields.iter().map(String::as_str).collect()
        };
        let events: Vec<Value> = events
            .iter()
            .map(|event| serde_json::from_str(event.get()))
            .collect::<Result<_, _>>()?;
        columns::check(&fields, &events)?;
        let row = |event: &Value| -> Vec<Value> {
            fields.iter().map(|field| lookup(event, field)).collect()
        };
        let rows: Vec<Vec<Value>> = events.iter().map(row).collect();
        let cells = |row: &Vec<Value>| row.iter().map(cell).collect::<Vec<_>>();
        match format {
            Format::Json => {
                let object = |row: Vec<Value>| -> Map<String, Value> {
                    fields
                        .iter()
                        .map(|&field| field.to_owned())
                        .zip(row)
                        .collect()
                };
                print_json(&rows.into_iter().map(object).collect::<Vec<_>>())?;
            }
            Format::Csv => {
                let mut text = csv::record(fields.iter().copied());
                for row in &rows {
                    text.push_str(&csv::record(cells(row).iter().map(String::as_str)));
                }
                print(&text)?;
            }
            Format::Table => {
                let columns: Vec<Column> = (fields.iter())
                    .map(|&field| columns::column(field))
                    .collect();
                let shown = |row: &Vec<Value>| {
                    let cells = fields.iter().zip(row);
                    cells
                        .map(|(field, value)| columns::shown(field, value))
                        .collect::<Vec<_>>()
                };
                print(&render(
                    &columns,
                    &rows.iter().map(shown).collect::<Vec<_>>(),
                ))?;
            }
        }
        if more {
            eprintln!(
                "These are the latest {}: see more with --limit, or all with `kt events export`",
                events.len()
            );
        }
        Ok(())
    }
}

type Plan = (Vec<Dimension>, Vec<Metric>, Vec<Cell>);

/// What to ask for, and where each column is found in the answer.
fn plan(group_by: &[String], fields: &[String]) -> Result<Plan, Failure> {
    let mut groups = Vec::new();
    for name in group_by {
        let name = name.trim();
        groups.push(Dimension::parse(name).ok_or_else(|| {
            let known: Vec<&str> = Dimension::ALL.iter().map(|one| one.name()).collect();
            format!(
                "--group-by: cannot group by {name:?}, expected {}",
                known.join(", ")
            )
        })?);
    }
    let mut metrics: Vec<Metric> = Vec::new();
    let mut columns = Vec::new();
    if fields.is_empty() {
        columns.extend((0..groups.len()).map(Cell::Group));
        metrics.extend(Metric::USUAL);
        columns.extend(
            metrics
                .iter()
                .enumerate()
                .map(|(at, &metric)| Cell::Number(at, metric)),
        );
    }
    for name in fields {
        let name = name.trim();
        if let Some(at) = groups.iter().position(|group| group.name() == name) {
            columns.push(Cell::Group(at));
        } else if let Some(metric) = Metric::parse(name) {
            let at = metrics
                .iter()
                .position(|&other| other == metric)
                .unwrap_or_else(|| {
                    metrics.push(metric);
                    metrics.len() - 1
                });
            columns.push(Cell::Number(at, metric));
        } else if Dimension::parse(name).is_some() {
            return Err(format!("--fields: {name:?} is not in --group-by").into());
        } else {
            let known: Vec<&str> = Metric::ALL.iter().map(|one| one.name()).collect();
            return Err(format!(
                "--fields: there is no metric {name:?}, expected {}",
                known.join(", ")
            )
            .into());
        }
    }
    Ok((groups, metrics, columns))
}

impl Cell {
    fn name(self, report: &AggregateReport) -> &'static str {
        match self {
            Self::Group(at) => report.group_by.get(at).map_or("", |group| group.name()),
            Self::Number(_, metric) => metric.name(),
        }
    }

    fn value(self, row: &AggregateRow) -> Value {
        match self {
            Self::Group(at) => row.group.get(at).cloned().flatten().into(),
            Self::Number(at, metric) => {
                metric::exact(metric, row.values.get(at).copied().flatten())
            }
        }
    }

    /// For people.
    fn shown(self, row: &AggregateRow) -> String {
        match self {
            Self::Group(at) => {
                let value = row.group.get(at).cloned().flatten();
                value.unwrap_or_else(|| "-".to_owned())
            }
            Self::Number(at, metric) => {
                metric::shown(metric, row.values.get(at).copied().flatten())
            }
        }
    }
}

fn json(report: &AggregateReport, columns: &[Cell]) -> Vec<Map<String, Value>> {
    let object = |row: &AggregateRow| -> Map<String, Value> {
        columns
            .iter()
            .map(|column| (column.name(report).to_owned(), column.value(row)))
            .collect()
    };
    report.rows.iter().map(object).collect()
}

fn spreadsheet(report: &AggregateReport, columns: &[Cell]) -> String {
    let mut text = csv::record(columns.iter().map(|column| column.name(report)));
    for row in &report.rows {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| cell(&column.value(row)))
            .collect();
        text.push_str(&csv::record(cells.iter().map(String::as_str)));
    }
    text
}

fn table(report: &AggregateReport, columns: &[Cell]) -> String {
    let headings: Vec<Column> = columns
        .iter()
        .map(|column| match column {
            Cell::Group(_) => Column::text(column.name(report)),
            Cell::Number(..) => Column::number(column.name(report)),
        })
        .collect();
    let rows: Vec<Vec<String>> = report
        .rows
        .iter()
        .map(|row| columns.iter().map(|column| column.shown(row)).collect())
        .collect();
    render(&headings, &rows)
}
