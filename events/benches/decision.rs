//! The cost of a decision event from its parts to its place in a batch, in time and allocations, compared with Serde:
//! `cargo bench -p keeptrusts-events`.
//!
//! In the runtime in which Envoy runs the filter: `cargo bench -p keeptrusts-events --target wasm32-wasip1`.

#![allow(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::borrow::Cow;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use events::{
    AttemptRecord, Decision, DecisionEvent, EventId, FailoverSummary, Outbox, OutboxLimits,
    PolicyResult, PolicyVerdict, Timestamp, Tokens,
};

/// Events per round.
const EVENTS: u32 = 4_000;
const ROUNDS: u32 = 30;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// The system allocator, with counters.
struct Counting;

// SAFETY: every call is forwarded to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// An event as the filter builds it, for a request that the first target served.
fn event<'a>(number: u32, policies: &'a [PolicyResult<'static>]) -> DecisionEvent<'a> {
    let unix_ms = 1_700_000_000_000 + u64::from(number);
    let text = |text| black_box(Cow::Borrowed(text));
    DecisionEvent {
        id: EventId::new(unix_ms, u128::from(number) << 40),
        timestamp: Timestamp::from_millis(unix_ms),
        request_id: text("7c1f1f0e-8f5a-4b6e-9f43-1a2b3c4d5e6f"),
        decision: Decision::Allowed,
        model: text("reliable-chat"),
        model_group: Some(text("reliable-chat")),
        resolved_model: Some(text("gpt-4o-mini-2024-07-18")),
        provider: Some(text("openai-primary")),
        vendor: Some(text("openai")),
        tag: None,
        region: Some(text("eu-west-1")),
        strategy: Some(text("failover")),
        similarity: None,
        endpoint: None,
        stream: number.is_multiple_of(2),
        status_code: 200,
        error_code: None,
        client_gone: false,
        latency_ms: 812 + u64::from(number % 100),
        upstream_latency_ms: Some(800),
        time_to_first_token_ms: Some(240),
        finish_reason: None,
        tokens: Some(Tokens {
            prompt: 1_520,
            completion: 431,
            cached: 1_024,
            cache_written: 0,
            reasoning: 0,
            total: 1_951,
            estimated: false,
        }),
        estimated_cost_usd: Some(0.008_8),
        actual_cost_usd: Some(0.006_830_5 + f64::from(number) * 1e-7),
        fallback_count: 0,
        failover: FailoverSummary::default(),
        attempts: [AttemptRecord {
            provider: text("openai-primary"),
            model: text("gpt-4o-mini-2024-07-18"),
            status_code: Some(200),
            reason: None,
            latency_ms: 800,
            started_after_ms: None,
            span_id: None,
        }]
        .into_iter()
        .collect(),
        passed_over: Vec::new(),
        policies_evaluated: Cow::Borrowed(policies),
        key_name: Some(text("ci-pipeline")),
        team: None,
        simulated: false,
        conversation_id: Some(text("9f43aa0b11c2d3e4")),
        trace: None,
        config_version: text("sha256-3f29ab11c0de"),
        gateway_id: text("gateway-eu-1"),
        instance_id: text("in_8d3c61fe90ab"),
        request_body: None,
        response_body: None,
        truncated: Vec::new(),
    }
}

/// Nanoseconds and allocations per event: the fastest of several rounds, because the machine may be busy, and the
/// allocations of the last one.
fn measure(mut round: impl FnMut()) -> (f64, f64) {
    let mut quickest = f64::INFINITY;
    let mut allocations = 0;
    for _ in 0..ROUNDS {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let start = Instant::now();
        round();
        let ns = start.elapsed().as_nanos() as f64;
        quickest = quickest.min(ns / f64::from(EVENTS));
        allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    }
    (quickest, allocations as f64 / f64::from(EVENTS))
}

fn main() {
    let policies = [PolicyResult {
        name: "audit-logger".into(),
        result: PolicyVerdict::Logged,
    }];
    let mut outbox = Outbox::new(OutboxLimits::default());
    let mut now_ms = 0;
    let by_hand = measure(|| {
        for number in 0..EVENTS {
            outbox.push(&event(number, &policies), now_ms);
        }
        now_ms += 1_000;
        while outbox.take_due(now_ms, 0).is_some() {
            outbox.acknowledged();
        }
    });
    let mut bytes = Vec::new();
    let by_serde = measure(|| {
        for number in 0..EVENTS {
            if number % 230 == 0 {
                bytes.clear();
            }
            let event = events::Event::Decision(Box::new(event(number, &policies)));
            serde_json::to_writer(&mut bytes, &event).expect("into memory");
        }
    });
    let building = measure(|| {
        for number in 0..EVENTS {
            black_box(event(number, &policies));
        }
    });
    println!("an event                          ns  allocations");
    for (what, (ns, allocations)) in [
        ("built", building),
        ("built and put into a batch", by_hand),
        ("built and written by Serde", by_serde),
    ] {
        println!("{what:28} {ns:8.0} {allocations:12.4}");
    }
    println!(
        "by Serde / into a batch      {:8.2}",
        by_serde.0 / by_hand.0
    );
}
