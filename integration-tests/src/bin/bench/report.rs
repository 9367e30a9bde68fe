//! The tables, in Markdown that reads well on a terminal.

use std::fmt::Write;
use std::time::Duration;

use crate::Outcome;
use crate::load::Measured;
use crate::memory::{Idle, MANY};
use crate::process::Memory;
use crate::scenario::Scenario;

/// What a scenario has shown, round by round. All lists are of one length, and what has one index was measured one
/// after the other.
pub(crate) struct Comparison {
    name: String,
    unit: &'static str,
    units_per_request: usize,
    /// What the others are compared with.
    pub(crate) plain: Vec<Measured>,
    /// Named.
    pub(crate) others: Vec<(&'static str, Vec<Measured>)>,
}

impl Comparison {
    pub(crate) fn of(scenario: &Scenario, others: &[&'static str]) -> Self {
        Self {
            name: scenario.name.clone(),
            unit: scenario.unit,
            units_per_request: scenario.units_per_request,
            plain: Vec::new(),
            others: others.iter().map(|name| (*name, Vec::new())).collect(),
        }
    }

    /// Median of the rates of the first that is compared with plain Envoy.
    pub(crate) fn median_rate(&self) -> f64 {
        let measured = self.others.iter().take(1).flat_map(|(_, rounds)| rounds);
        Spread::of(measured.map(|measured| self.rate(measured))).median
    }

    fn units(&self, measured: &Measured) -> f64 {
        (measured.latencies.len() * self.units_per_request) as f64
    }

    fn rate(&self, measured: &Measured) -> f64 {
        self.units(measured) / measured.wall.as_secs_f64()
    }

    fn cpu_micros(&self, measured: &Measured) -> f64 {
        micros(measured.cpu) / self.units(measured)
    }

    /// One line of the table.
    fn line(&self, envoy: &str, side: &[Measured], against: Option<&[Measured]>) -> Vec<String> {
        let over = |value: &dyn Fn(&Measured) -> f64| Spread::of(side.iter().map(value));
        let versus = |value: &dyn Fn(&Measured, &Measured) -> f64, decimals| {
            against.map_or_else(String::new, |plain| {
                let pairs = plain.iter().zip(side);
                format_spread(
                    &Spread::of(pairs.map(|(plain, other)| value(plain, other))),
                    decimals,
                )
            })
        };
        let added = |share: f64| {
            versus(
                &|plain, other| percentile(other, share) - percentile(plain, share),
                0,
            )
        };
        vec![
            match against {
                None => format!("{}: {}", self.name, self.unit),
                Some(_) => String::new(),
            },
            envoy.to_owned(),
            format_spread(&over(&|measured| self.rate(measured)), 0),
            versus(&|plain, other| self.rate(other) / self.rate(plain), 2),
            format_spread(&over(&|measured| self.cpu_micros(measured)), 2),
            versus(
                &|plain, other| self.cpu_micros(other) - self.cpu_micros(plain),
                2,
            ),
            // What the ratio would be if Envoy's worker never had to wait for a core.
            versus(
                &|plain, other| self.cpu_micros(plain) / self.cpu_micros(other),
                2,
            ),
            format!("{:.0} %", over(&busy).median),
            format_spread(&over(&|measured| percentile(measured, 0.5)), 0),
            format_spread(&over(&|measured| percentile(measured, 0.99)), 0),
            added(0.5),
            added(0.99),
        ]
    }
}

/// Median with the least and the greatest value.
pub(crate) struct Spread {
    least: f64,
    median: f64,
    greatest: f64,
}

impl Spread {
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self {
            least: at(0),
            median: at(values.len() / 2),
            greatest: at(values.len().saturating_sub(1)),
        }
    }
}

/// One line for each Envoy of each scenario.
pub(crate) fn performance(comparisons: &[Comparison], rounds: usize) -> String {
    let mut table = vec![
        [
            "",
            "Envoy",
            "rate /s",
            "ratio",
            "CPU µs each",
            "added CPU µs",
            "CPU ratio",
            "busy",
            "p50 µs",
            "p99 µs",
            "added p50",
            "added p99",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for comparison in comparisons {
        table.push(comparison.line("plain", &comparison.plain, None));
        for (name, side) in &comparison.others {
            table.push(comparison.line(name, side, Some(&comparison.plain)));
        }
    }
    format!(
        "\nMedian of {rounds} rounds (least to greatest); plain and filter in turns.\n\n{}",
        markdown(&table)
    )
}

/// `worked` is plain and filter after the load.
pub(crate) fn memory(idle: &Idle, worked: &[Memory; 2]) -> String {
    let resident: fn(&Memory) -> u64 = |memory| memory.resident;
    let anonymous: fn(&Memory) -> u64 = |memory| memory.anonymous;
    let [plain_worked, filter_worked] = worked;
    let mut table = vec![vec![
        "Memory, MB".to_owned(),
        "resident".to_owned(),
        "anonymous".to_owned(),
    ]];
    let mut row = |name: String, resident: f64, anonymous: f64| {
        table.push(vec![
            name,
            format!("{resident:.1}"),
            format!("{anonymous:.1}"),
        ]);
    };
    for (name, memory) in [
        ("plain, idle, 1 worker".to_owned(), &idle.plain.one),
        (format!("plain, idle, {MANY} workers"), &idle.plain.many),
        ("filter, idle, 1 worker".to_owned(), &idle.filter.one),
        (format!("filter, idle, {MANY} workers"), &idle.filter.many),
        ("plain after the load, 1 worker".to_owned(), plain_worked),
        ("filter after the load, 1 worker".to_owned(), filter_worked),
    ] {
        row(
            name,
            megabytes(memory.resident as f64),
            megabytes(memory.anonymous as f64),
        );
    }
    row(
        "the filter adds to each idle worker".to_owned(),
        megabytes(idle.per_worker(resident) as f64),
        megabytes(idle.per_worker(anonymous) as f64),
    );
    row(
        "the filter adds once to a process".to_owned(),
        megabytes(idle.once(resident) as f64),
        megabytes(idle.once(anonymous) as f64),
    );
    format!("\n{}", markdown(&table))
}

/// Size of the module that the gateway was given.
pub(crate) fn module_size() -> Outcome<String> {
    let path = std::env::var_os("KEEPTRUSTS_FILTER_WASM")
        .ok_or("KEEPTRUSTS_FILTER_WASM is not set: run `make bench`, which sets it")?;
    let bytes = std::fs::metadata(path)?.len();
    Ok(format!(
        "\nFilter module: {:.2} MB ({bytes} bytes)\n",
        bytes as f64 / 1e6
    ))
}

/// Share of one core that Envoy used, in percent. Well below 100 means that something else was the limit.
fn busy(measured: &Measured) -> f64 {
    100.0 * measured.cpu.as_secs_f64() / measured.wall.as_secs_f64()
}

fn percentile(measured: &Measured, share: f64) -> f64 {
    let last = measured.latencies.len().saturating_sub(1);
    let index = (last as f64 * share).round() as usize;
    measured
        .latencies
        .get(index)
        .copied()
        .map_or(f64::NAN, micros)
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

pub(crate) fn megabytes(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}

pub(crate) fn format_spread(spread: &Spread, decimals: usize) -> String {
    let Spread {
        least,
        median,
        greatest,
    } = spread;
    format!("{median:.decimals$} ({least:.decimals$} to {greatest:.decimals$})")
}

pub(crate) fn markdown(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
        if index == 0 {
            for width in &widths {
                let _ = write!(text, "|{}", "-".repeat(width + 2));
            }
            text.push_str("|\n");
        }
    }
    text
}
