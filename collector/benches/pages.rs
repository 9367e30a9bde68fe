//! How long the console's pages wait for their figures over a large store.
//!
//! `cargo bench -p keeptrusts-collector --bench pages [-- EVENTS]`, a million unless said otherwise; ten million take 6 GB.
//! Events are spread over three weeks, with four providers, three tags, forty keys and failures. Each page asks what it asks
//! the collector, all at once; the figure is the slowest of five rounds.

use std::path::Path;
use std::time::{Duration, Instant};

use collector::{
    AggregateQuery, Api, AttemptColumns, Columns, CompareQuery, Condition, Dimension, EventFilter,
    EventQuery, Local, Metric, NewEvent, StoreLocation, open,
};
use events::{EventId, Timestamp};

const BATCH: u64 = 10_000;
/// 2026-11-01, Unix milliseconds.
const FIRST_MS: u64 = 1_793_491_200_000;
const SPREAD_MS: u64 = 21 * 86_400_000;
const ROUNDS: usize = 5;

type Question = Box<dyn Fn(&Local) + Send + Sync>;

fn main() {
    let events = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(1_000_000);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let begin = Instant::now();
    fill(dir.path(), events);
    let took = begin.elapsed().as_secs_f64();
    println!(
        "{events} events in {took:.0} s, {:.0} a second",
        events as f64 / took
    );
    let end = Timestamp::from_millis(FIRST_MS + SPREAD_MS);
    let api = Local::new(open(&StoreLocation::below(dir.path())).expect("the store opens"));
    for (days, name) in [(30, "30 d"), (7, "7 d"), (1, "24 h")] {
        for (page, questions) in pages(end, days) {
            let slowest = (0..ROUNDS).map(|_| ask(&api, &questions)).max();
            let slowest = slowest.unwrap_or_default();
            println!("{page:12} {name:5} {:6.0} ms", slowest.as_secs_f64() * 1e3);
        }
    }
}

fn ask(api: &Local, questions: &[Question]) -> Duration {
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for question in questions {
            scope.spawn(|| question(api));
        }
    });
    begin.elapsed()
}

fn report(filter: EventFilter, group_by: &[Dimension], metrics: &[Metric]) -> Question {
    let query = AggregateQuery {
        filter,
        group_by: group_by.to_vec(),
        metrics: metrics.to_vec(),
        limit: None,
    };
    Box::new(move |api| drop(api.aggregate(&query).expect("an answer")))
}

/// What each page asks of the last days.
fn pages(end: Timestamp, days: u64) -> Vec<(&'static str, Vec<Question>)> {
    let day_ms = 86_400_000;
    // A time that is no whole hour, as people's are.
    let now = end.millis() - 17 * 60_000;
    let at = |ms: u64| Some(Timestamp::from_millis(ms));
    let wide = EventFilter {
        since: at(now - days * day_ms),
        ..EventFilter::default()
    };
    let before = EventFilter {
        since: at(now - 2 * days * day_ms),
        until: at(now - days * day_ms),
        ..EventFilter::default()
    };
    let paid = |filter: &EventFilter| EventFilter {
        conditions: vec![Condition::try_new("simulated", "false").expect("a field")],
        ..filter.clone()
    };
    // As finely as the console draws.
    let step = if days > 8 {
        Dimension::Day
    } else {
        Dimension::Hour
    };
    let totals = [
        Metric::RequestCount,
        Metric::ErrorRate,
        Metric::FailoverRate,
        Metric::LatencyP50,
        Metric::LatencyP99,
        Metric::TtftP50,
        Metric::TotalTokens,
        Metric::TotalCost,
        Metric::UnpricedCount,
    ];
    let costs = [
        Metric::RequestCount,
        Metric::SuccessCount,
        Metric::TotalInputTokens,
        Metric::TotalOutputTokens,
        Metric::TotalCost,
        Metric::CostPerRequest,
        Metric::UnpricedCount,
    ];
    let attempts = [
        Metric::AttemptCount,
        Metric::Availability,
        Metric::ErrorRate,
        Metric::RateLimitedCount,
        Metric::LatencyP50,
        Metric::LatencyP99,
        Metric::TotalCost,
        Metric::CostPerSuccess,
    ];
    let newest = EventQuery {
        filter: wide.clone(),
        ..EventQuery::default()
    };
    let compare = CompareQuery {
        filter: wide.clone(),
        by: vec![Dimension::Provider, Dimension::ResolvedModel],
    };
    vec![
        (
            "Overview",
            vec![
                report(wide.clone(), &[], &totals),
                report(before.clone(), &[], &totals),
                report(wide.clone(), &[step], &totals),
                report(wide.clone(), &[Dimension::AttemptProvider], &attempts),
                report(paid(&wide), &[], &costs),
                report(paid(&before), &[], &costs),
            ],
        ),
        (
            "Health",
            vec![
                report(wide.clone(), &[step, Dimension::AttemptProvider], &attempts),
                report(wide.clone(), &[Dimension::AttemptProvider], &attempts),
            ],
        ),
        (
            "Cost Center",
            vec![
                report(paid(&wide), &[Dimension::KeyName], &costs),
                report(paid(&before), &[Dimension::KeyName], &costs),
                report(paid(&wide), &[], &costs),
                report(
                    paid(&wide),
                    &[Dimension::Provider, Dimension::ResolvedModel],
                    &costs,
                ),
                report(paid(&wide), &[step, Dimension::Provider], &costs),
            ],
        ),
        (
            "Experiments",
            vec![Box::new(move |api| {
                drop(api.compare(&compare).expect("an answer"))
            })],
        ),
        (
            "Requests",
            vec![Box::new(move |api| {
                drop(api.events(&newest).expect("an answer"))
            })],
        ),
    ]
}

fn fill(dir: &Path, events: u64) {
    let store = open(&StoreLocation::below(dir)).expect("the store opens");
    for from in (0..events).step_by(BATCH as usize) {
        let until = events.min(from + BATCH);
        let batch = (from..until).map(|number| event(number, events)).collect();
        store.insert(batch).expect("it is stored");
    }
}

fn event(number: u64, of: u64) -> NewEvent {
    let ms = FIRST_MS + SPREAD_MS * number / of;
    let text = |text: &str| Some(text.to_owned());
    let provider = ["openai", "anthropic", "azure-openai", "bedrock"][(number % 4) as usize];
    let status = if number.is_multiple_of(50) { 503 } else { 200 };
    let latency =
        200 + number * 7_919 % 1_000 + number.is_multiple_of(20) as u64 * (number * 31 % 9_000);
    let (prompt, completion) = (500 + number * 13 % 3_000, number * 17 % 800);
    let id = EventId::new(ms, number.into());
    let attempt = |provider: &str, status: u16, is_failed| AttemptColumns {
        provider: text(provider),
        model: text("gpt-4o"),
        status_code: Some(status),
        is_failed,
        has_served: !is_failed,
        latency_ms: Some(latency),
    };
    let mut attempts = vec![attempt(provider, status, status >= 400)];
    let failover = number.is_multiple_of(70);
    if failover {
        attempts.insert(0, attempt("openai", 500, true));
    }
    NewEvent {
        id,
        timestamp: Timestamp::from_millis(ms),
        columns: Columns {
            is_decision: true,
            provider: text(provider),
            vendor: text(provider),
            model: text("production-llm"),
            resolved_model: text("gpt-4o"),
            model_group: text("production-llm"),
            tag: text(["control", "experiment", "none"][(number % 3) as usize]),
            strategy: text("failover"),
            decision: text("allowed"),
            key_name: Some(format!("team-{}", number % 40)),
            gateway_id: text("gateway-1"),
            instance_id: text("instance-1"),
            status_code: Some(status),
            failover,
            latency_ms: Some(latency),
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: prompt + completion,
            cost_nanos: Some(prompt * 2_500 + completion * 10_000),
            attempts,
            ..Columns::default()
        },
        json: format!(r#"{{"event_type":"decision","id":"{id}","request_id":"r-{number}"}}"#),
    }
}
