//! `kt prices`: the list prices that count where a policy gives none.

use std::process::ExitCode;

use catalog::{ListPrice, Model, PRICES_AS_OF, Provider};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Failure;
use crate::output::table::{Column, render};
use crate::output::{print, print_json};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show list prices with their dates, in US dollars per million tokens
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// One provider's only, by any of its names
    #[arg(long, value_name = "NAME", value_parser = provider)]
    provider: Option<Provider>,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

fn provider(name: &str) -> Result<Provider, String> {
    Provider::named(name).ok_or_else(|| {
        let known: Vec<&str> = Provider::all().map(Provider::name).collect();
        format!("expected one of {}", known.join(", "))
    })
}

/// US dollars per million tokens.
#[derive(Debug, Serialize)]
struct Row {
    provider: &'static str,
    model: &'static str,
    input: f64,
    output: f64,
    cached_input: Option<f64>,
    cache_write: Option<f64>,
    /// Prices of longer prompts.
    long_prompts: Vec<LongPrompts>,
    as_of: &'static str,
}

#[derive(Debug, Serialize)]
struct LongPrompts {
    above_tokens: u32,
    input: f64,
    output: f64,
    cached_input: Option<f64>,
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let Self::List(list) = self;
        let rows = rows(list.provider);
        if list.json {
            print_json(&rows)?;
        } else {
            print(&table(&rows))?;
            eprintln!(
                "US dollars per million tokens; compared with public lists on {PRICES_AS_OF}. \
                 Prices in a policy go before these."
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn rows(provider: Option<Provider>) -> Vec<Row> {
    let wanted = |model: &&Model| provider.is_none_or(|provider| provider.name() == model.provider);
    let models = Model::all().iter().filter(wanted);
    let mut rows: Vec<Row> = models
        .filter_map(|model| Some(Row::new(model, model.price?)))
        .collect();
    rows.sort_by_key(|row| row.provider);
    rows
}

impl Row {
    fn new(model: &Model, price: ListPrice) -> Self {
        Self {
            provider: model.provider,
            model: model.name,
            input: usd(price.input),
            output: usd(price.output),
            cached_input: price.cached.map(usd),
            cache_write: price.cache_write.map(usd),
            long_prompts: price
                .tiers
                .iter()
                .map(|tier| LongPrompts {
                    above_tokens: tier.above_prompt_tokens,
                    input: usd(tier.input),
                    output: usd(tier.output),
                    cached_input: tier.cached.map(usd),
                })
                .collect(),
            as_of: price.as_of,
        }
    }
}

fn usd(millionths: u32) -> f64 {
    f64::from(millionths) / 1e6
}

fn table(rows: &[Row]) -> String {
    let columns = [
        Column::text("PROVIDER"),
        Column::text("MODEL"),
        Column::number("INPUT"),
        Column::number("OUTPUT"),
        Column::number("CACHED"),
        Column::number("CACHE WRITE"),
        Column::text("AS OF"),
    ];
    let optional = |price: Option<f64>| price.map_or_else(|| "-".to_owned(), |usd| usd.to_string());
    let mut cells = Vec::new();
    for row in rows {
        cells.push(vec![
            row.provider.to_owned(),
            row.model.to_owned(),
            row.input.to_string(),
            row.output.to_string(),
            optional(row.cached_input),
            optional(row.cache_write),
            row.as_of.to_owned(),
        ]);
        for long in &row.long_prompts {
            cells.push(vec![
                String::new(),
                format!("  above {} tokens", long.above_tokens),
                long.input.to_string(),
                long.output.to_string(),
                optional(long.cached_input),
                String::new(),
                String::new(),
            ]);
        }
    }
    render(&columns, &cells)
}
