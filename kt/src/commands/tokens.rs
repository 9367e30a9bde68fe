//! `kt tokens`: the keys that clients show to the gateway.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use collector::{KeyInfo, KeyLimit, KeyState, NewKey, Rotation};

use super::Failure;
use super::source::Source;
use super::spend::{Period, minute, usd};
use crate::output::table::{Column, render};
use crate::output::{Shape, amount, print, print_json};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key; it is printed this once, and only its hash is kept
    Create(Create),
    /// Show all keys, without the keys themselves
    List(List),
    /// Make a key anew; its name, limits and spending stay, and the former one opens for a while longer
    Rotate(Rotate),
    /// Take a key out of force; gateways refuse it within seconds
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What the key opens
    #[arg(long = "type", value_enum, default_value_t = Kind::Gateway)]
    kind: Kind,
    /// Who it is for: stands in events as `key_name`
    #[arg(long)]
    name: String,
    /// Who answers for what it spends: stands in events as `team`
    #[arg(long)]
    team: Option<String>,
    /// Groups and models that it may ask for [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = model)]
    models: Option<Vec<String>>,
    /// How long it is good: 12h, 90d [default: until it is revoked]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires_in: Option<Duration>,
    /// Requests in any 60 seconds [default: any number]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rpm: Option<u32>,
    /// US dollars that it may spend in each period [default: any amount]
    #[arg(long, value_name = "USD", value_parser = usd, requires = "period")]
    budget: Option<f64>,
    /// How long a period is
    #[arg(long, value_enum, requires = "budget")]
    period: Option<Period>,
    /// Print the key with all that is known of it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The gateway
    Gateway,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Table for people, or one JSON array
    #[arg(long, visible_alias = "output", value_enum, default_value_t = Shape::Table)]
    format: Shape,
    /// Short for --format json
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Id of the key, or its name
    #[arg(value_name = "KEY")]
    id_or_name: String,
    /// How long the former key opens as well: 0s, 1h, 7d
    #[arg(long, value_name = "DURATION", value_parser = grace, default_value = "1h")]
    grace: Duration,
    /// Print the key with all that is known of it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Id of the key, or its name
    #[arg(value_name = "KEY")]
    id_or_name: String,
    #[command(flatten)]
    source: Source,
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Create(create) => create.run(),
            Self::List(list) => list.run(),
            Self::Rotate(rotate) => rotate.run(),
            Self::Revoke(revoke) => revoke.run(),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Create {
    fn run(self) -> Result<(), Failure> {
        // There is one kind so far; a second one must not become a gateway key by accident.
        let Kind::Gateway = self.kind;
        let limit = self
            .budget
            .zip(self.period)
            .map(|(limit_usd, period)| KeyLimit {
                limit_usd,
                period: period.into(),
            });
        let created = self.source.for_writing()?.create_key(&NewKey {
            name: self.name,
            team: self.team,
            models: self.models,
            expires_in_seconds: self.expires_in.map(|time| time.as_secs()),
            requests_per_minute: self.rpm,
            limit,
        })?;
        for warning in &created.warnings {
            eprintln!("warning: {warning}");
        }
        if self.json {
            print_json(&created)?;
        } else {
            print(&format!("{}\n", created.key))?;
            eprintln!(
                "Key {:?} ({}). It is not shown again: keep it now.",
                created.info.name, created.info.id
            );
        }
        Ok(())
    }
}

impl List {
    fn run(self) -> Result<(), Failure> {
        let keys = self.source.for_reading()?.keys()?;
        if self.json || self.format == Shape::Json {
            print_json(&keys)?;
            return Ok(());
        }
        let columns = [
            Column::text("KEY"),
            Column::text("NAME"),
            Column::text("BEGINS"),
            Column::text("STATE"),
            Column::text("MODELS"),
            Column::number("RPM"),
            Column::text("BUDGET"),
            Column::text("EXPIRES"),
        ];
        print(&render(
            &columns,
            &keys.iter().map(shown).collect::<Vec<_>>(),
        ))?;
        for key in &keys {
            if let Some(error) = &key.error {
                eprintln!(
                    "{}: its record cannot be read, gateways refuse it: {error}",
                    key.id
                );
            }
        }
        Ok(())
    }
}

impl Rotate {
    fn run(self) -> Result<(), Failure> {
        let rotation = Rotation {
            grace_seconds: self.grace.as_secs(),
        };
        let api = self.source.for_reading()?;
        let rotated = api.rotate_key(&self.id_or_name, rotation)?;
        if self.json {
            print_json(&rotated)?;
            return Ok(());
        }
        print(&format!("{}\n", rotated.key))?;
        let former = rotated.info.former_until_ms.map_or_else(
            || "the former one is refused within seconds".to_owned(),
            |until| format!("the former one opens until {}", minute(until)),
        );
        eprintln!(
            "Key {:?} ({}). It is not shown again: keep it now; {former}.",
            rotated.info.name, rotated.info.id
        );
        Ok(())
    }
}

impl Revoke {
    fn run(self) -> Result<(), Failure> {
        let key = self.source.for_reading()?.revoke_key(&self.id_or_name)?;
        let name = if key.name.is_empty() {
            key.id.clone()
        } else {
            format!("{} ({})", key.name, key.id)
        };
        print(&format!(
            "{name} revoked; gateways refuse it within seconds\n"
        ))?;
        Ok(())
    }
}

fn shown(key: &KeyInfo) -> Vec<String> {
    let state = match key.state {
        KeyState::Active => "active",
        KeyState::Expired => "expired",
        KeyState::Revoked => "revoked",
        KeyState::Unreadable => {
            let or_dash = |text: &str| if text.is_empty() { "-" } else { text }.to_owned();
            let mut cells = vec![key.id.clone(), or_dash(&key.name)];
            cells.extend(["-", "UNREADABLE", "-", "-", "-", "-"].map(str::to_owned));
            return cells;
        }
    };
    let budget = key.limit.map(|limit| {
        format!(
            "{} of {} {}",
            amount::usd(key.spent_usd.unwrap_or(0.0)),
            amount::usd(limit.limit_usd),
            limit.period.name()
        )
    });
    let or = |value: Option<String>, none: &str| value.unwrap_or_else(|| none.to_owned());
    vec![
        key.id.clone(),
        key.name.clone(),
        format!("{}…", key.prefix),
        state.to_owned(),
        or(key.models.as_ref().map(|models| models.join(", ")), "all"),
        or(key.requests_per_minute.map(|rpm| rpm.to_string()), "-"),
        or(budget, "-"),
        or(key.expires_at_ms.map(minute), "never"),
    ]
}

/// People write `a, b`. A name that is empty allows nothing, and is a mistake.
fn model(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("expected names of groups or models, separated by commas".to_owned());
    }
    Ok(name.to_owned())
}

fn grace(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "expected a duration such as 0s, 1h or 7d".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .ok()
        .filter(|time| time.as_secs() > 0)
        .ok_or_else(|| "expected a duration such as 12h or 90d".to_owned())
}
