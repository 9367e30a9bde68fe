//! `kt webhooks`: who is told when a provider fails or a budget runs out.

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use collector::{Delivery, DeliveryState, NewWebhook, Webhook, WebhookEvent, WebhookFormat};

use super::Failure;
use super::source::Source;
use super::spend::minute;
use crate::output::table::{Column, printable, render};
use crate::output::{Shape, print, print_json};
use crate::paths::variable;

/// Where PagerDuty's key is looked for: no process list shows it there.
const ROUTING_KEY: &str = "KEEPTRUSTS_PAGERDUTY_ROUTING_KEY";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell an address of changes of health, of health thresholds and of budgets
    Create(Create),
    /// Show all webhooks, and what became of their latest messages
    List(List),
    /// Send a test message, and show what was answered
    Test(Test),
    /// Show the latest messages of a webhook
    Deliveries(Deliveries),
    /// End a webhook
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Where messages go; of an Alertmanager its address is enough, of PagerDuty none is needed
    #[arg(long, value_name = "URL", default_value = "")]
    url: String,
    /// Who reads them
    #[arg(long, value_enum, default_value_t = Format::Generic)]
    format: Format,
    /// What about [default: everything]
    #[arg(long, value_name = "EVENT", value_delimiter = ',', value_parser = events())]
    events: Vec<String>,
    /// PagerDuty's integration key (or KEEPTRUSTS_PAGERDUTY_ROUTING_KEY, which no process list shows)
    #[arg(long, value_name = "KEY")]
    routing_key: Option<String>,
    /// Print the webhook with its secret as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Signed JSON
    Generic,
    /// A Slack incoming webhook
    Slack,
    /// PagerDuty's Events API v2
    Pagerduty,
    /// An Alertmanager
    Alertmanager,
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
pub(crate) struct Test {
    /// Id of the webhook
    #[arg(value_name = "WEBHOOK")]
    id: String,
    /// Print what became of it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, Args)]
pub(crate) struct Deliveries {
    /// Id of the webhook
    #[arg(value_name = "WEBHOOK")]
    id: String,
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
pub(crate) struct Delete {
    /// Id of the webhook
    #[arg(value_name = "WEBHOOK")]
    id: String,
    #[command(flatten)]
    source: Source,
}

fn events() -> PossibleValuesParser {
    PossibleValuesParser::new(WebhookEvent::ALL.map(WebhookEvent::name))
}

impl From<Format> for WebhookFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Generic => Self::Generic,
            Format::Slack => Self::Slack,
            Format::Pagerduty => Self::PagerDuty,
            Format::Alertmanager => Self::Alertmanager,
        }
    }
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Create(create) => create.run(),
            Self::List(list) => list.run(),
            Self::Test(test) => return test.run(),
            Self::Deliveries(deliveries) => deliveries.run(),
            Self::Delete(delete) => delete.run(),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Create {
    fn run(self) -> Result<(), Failure> {
        let format = WebhookFormat::from(self.format);
        let named = |event: &WebhookEvent| self.events.iter().any(|name| name == event.name());
        let routing_key = match format {
            WebhookFormat::PagerDuty => self.routing_key.or_else(|| variable(ROUTING_KEY)),
            _ => self.routing_key,
        };
        let created = self.source.for_writing()?.create_webhook(&NewWebhook {
            url: self.url,
            format,
            routing_key,
            event_types: WebhookEvent::ALL.into_iter().filter(named).collect(),
        })?;
        if self.json {
            print_json(&created)?;
        } else if format == WebhookFormat::Generic {
            print(&format!("{}\n", created.secret))?;
            eprintln!(
                "Webhook {}. The secret signs its messages and is not shown again: keep it now.",
                created.webhook.id
            );
        } else {
            print(&format!("{}\n", created.webhook.id))?;
        }
        Ok(())
    }
}

impl List {
    fn run(self) -> Result<(), Failure> {
        let webhooks = self.source.for_reading()?.webhooks()?;
        if self.json || self.format == Shape::Json {
            print_json(&webhooks)?;
            return Ok(());
        }
        let columns = [
            Column::text("WEBHOOK"),
            Column::text("FORMAT"),
            Column::text("ADDRESS"),
            Column::text("ABOUT"),
            Column::text("LATEST MESSAGE"),
        ];
        let rows: Vec<Vec<String>> = webhooks.iter().map(shown).collect();
        print(&render(&columns, &rows))?;
        Ok(())
    }
}

impl Test {
    fn run(self) -> Result<ExitCode, Failure> {
        let delivery = self.source.for_reading()?.test_webhook(&self.id)?;
        if self.json {
            print_json(&delivery)?;
        } else {
            let answer = delivery.answer.as_deref().unwrap_or_default();
            let said = printable(&format!("{} {answer}", outcome(&delivery)));
            print(&format!("{}\n", said.trim_end()))?;
        }
        Ok(match delivery.state {
            DeliveryState::Delivered => ExitCode::SUCCESS,
            DeliveryState::Waiting | DeliveryState::GivenUp => ExitCode::FAILURE,
        })
    }
}

impl Deliveries {
    fn run(self) -> Result<(), Failure> {
        let deliveries = self.source.for_reading()?.deliveries(&self.id)?;
        if self.json || self.format == Shape::Json {
            print_json(&deliveries)?;
            return Ok(());
        }
        let columns = [
            Column::text("MADE"),
            Column::text("ABOUT"),
            Column::number("TRIES"),
            Column::text("OUTCOME"),
        ];
        let row = |one: &Delivery| {
            vec![
                minute(one.made_at_ms),
                one.event_type.clone(),
                one.tries.to_string(),
                outcome(one),
            ]
        };
        let rows: Vec<Vec<String>> = deliveries.iter().map(row).collect();
        print(&render(&columns, &rows))?;
        Ok(())
    }
}

impl Delete {
    fn run(self) -> Result<(), Failure> {
        self.source.for_reading()?.delete_webhook(&self.id)?;
        print(&format!("{} deleted\n", self.id))?;
        Ok(())
    }
}

fn outcome(delivery: &Delivery) -> String {
    described(delivery.state, delivery.status, delivery.error.as_deref())
}

fn described(state: DeliveryState, status: Option<u16>, error: Option<&str>) -> String {
    match (state, error) {
        (DeliveryState::Delivered, _) => status.map_or_else(
            || "delivered".to_owned(),
            |status| format!("delivered: {status}"),
        ),
        (DeliveryState::Waiting, None) => "waits".to_owned(),
        (DeliveryState::Waiting, Some(error)) => format!("will be tried again: {error}"),
        (DeliveryState::GivenUp, error) => format!("given up: {}", error.unwrap_or("no reason")),
    }
}

fn shown(webhook: &Webhook) -> Vec<String> {
    if let Some(error) = &webhook.error {
        let mut cells = vec![webhook.id.clone(), "UNREADABLE".to_owned()];
        cells.extend([webhook.url.clone(), "-".to_owned(), error.clone()]);
        return cells;
    }
    let about: Vec<&str> = webhook.event_types.iter().map(|one| one.name()).collect();
    let last = webhook.last_delivery.as_ref();
    vec![
        webhook.id.clone(),
        webhook.format.name().to_owned(),
        webhook.url.clone(),
        if about.is_empty() {
            "everything".to_owned()
        } else {
            about.join(", ")
        },
        last.map_or_else(
            || "-".to_owned(),
            |last| described(last.state, last.status, last.error.as_deref()),
        ),
    ]
}
