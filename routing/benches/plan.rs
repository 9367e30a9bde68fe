//! The time to make a plan: by strategy for a group of 20 targets, and by number of groups.
//!
//! `cargo bench -p keeptrusts-routing`. The goal is less than 3 µs for every strategy except semantic, independent of
//! the number of groups.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

#[path = "../src/testing.rs"]
mod testing;

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use catalog::providers;
use policy::{CostSettings, LatencySettings, Policy, Price, SemanticSettings, Strategy, TargetId};
use routing::affinity::conversation_id;
use routing::health::{HealthTable, Outcome, Signal};
use routing::latency::{LatencySnapshot, LocalWindow, Sample};
use routing::{Budgeted, PolicyIndex, Random, Request, StateSnapshot, StrategyState, plan};

const NOW: u64 = 1_700_000_000_000;
const TARGETS: usize = 20;

struct World {
    index: PolicyIndex,
    health: HealthTable,
    latency: LatencySnapshot,
    worker: StrategyState,
    random: Random,
}

impl World {
    fn new(policy: Policy) -> Self {
        let index = PolicyIndex::new(Arc::new(policy));
        let mut health = HealthTable::default();
        for target in 0..index.policy().targets.len() {
            let (key, limits) = index.health_config(TargetId(target)).expect("a target");
            health.apply(
                key,
                limits,
                Signal::Attempt(Outcome::Success { latency_ms: 5 }),
                NOW,
            );
        }
        Self {
            index,
            health,
            latency: LatencySnapshot::default(),
            worker: StrategyState::default(),
            random: Random::seeded(1),
        }
    }

    fn plan(&mut self, request: &Request<'_>) -> usize {
        let view = StateSnapshot {
            health: &self.health,
            latency: &self.latency,
            over_budget: &[],
            budgeted: Budgeted::None,
        };
        let made = plan::make(
            &self.index,
            &view,
            &mut self.worker,
            request,
            &mut self.random,
            NOW,
        );
        made.map_or(0, |plan| plan.attempts.len())
    }

    /// Every deployment has samples of a busy minute.
    fn measure(&mut self) {
        let mut window = LocalWindow::default();
        let pairs: Vec<_> = {
            let request = Request::for_model("g");
            let view = StateSnapshot {
                health: &self.health,
                latency: &self.latency,
                over_budget: &[],
                budgeted: Budgeted::None,
            };
            let made = plan::make(
                &self.index,
                &view,
                &mut self.worker,
                &request,
                &mut self.random,
                NOW,
            );
            made.expect("a plan")
                .attempts
                .iter()
                .map(|entry| entry.deployment)
                .collect()
        };
        for second in 0..60 {
            for (number, deployment) in pairs.iter().enumerate() {
                let sample = Sample::Success {
                    latency_ms: 400 + number as u64 * 40,
                    throughput: Some((100, 2_000)),
                };
                window.record(*deployment, sample, NOW - second * 1_000);
            }
        }
        self.latency = LatencySnapshot::decode(&window.merge_into(&[], NOW), NOW);
    }
}

/// Nanoseconds per call, in the fastest of several rounds, because the machine may be busy.
fn nanoseconds(mut job: impl FnMut() -> usize) -> f64 {
    const CALLS: u32 = 5_000;
    (0..30)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..CALLS {
                black_box(job());
            }
            start.elapsed().as_nanos() as f64 / f64::from(CALLS)
        })
        .fold(f64::INFINITY, f64::min)
}

fn group_of_twenty(strategy: Strategy, sticky: bool) -> Policy {
    let mut policy = testing::one_group(TARGETS, strategy);
    let group = &mut policy.groups[0];
    group.session_affinity = sticky;
    for (number, member) in group.members.iter_mut().enumerate() {
        member.weight = Some(5);
        member.tag = Some(format!("arm-{number}"));
        member.region = Some(String::from("us-east"));
        member.price = Some(Price {
            input_per_1k: 0.001 + number as f64,
            output_per_1k: 0.002,
            cached_input_per_1k: None,
            cache_write_per_1k: None,
            tiers: &[],
        });
        member.description = Some(format!("topic {number}: questions about subject {number}"));
        member.examples = vec![
            String::from("How do I sort a list?"),
            format!("Example {number}"),
        ];
    }
    policy
}

fn main() {
    let cost = CostSettings {
        budget_per_request_usd: Some(1_000.0),
        ..CostSettings::default()
    };
    let semantic = SemanticSettings {
        min_similarity: 0.1,
        embedding: None,
    };
    let strategies = [
        ("failover", Strategy::Failover, false),
        ("weighted", Strategy::Weighted, false),
        ("weighted, affinity", Strategy::Weighted, true),
        ("weighted_round_robin", Strategy::WeightedRoundRobin, false),
        ("round_robin", Strategy::RoundRobin, false),
        ("random", Strategy::Random, false),
        ("single", Strategy::Single, false),
        (
            "latency",
            Strategy::Latency(LatencySettings::default()),
            false,
        ),
        (
            "highest_throughput",
            Strategy::HighestThroughput(LatencySettings::default()),
            false,
        ),
        ("cost", Strategy::Cost(cost), false),
        ("semantic", Strategy::Semantic(semantic), false),
    ];
    println!("plan of {TARGETS} targets     ns");
    for (name, strategy, sticky) in strategies {
        let mut world = World::new(group_of_twenty(strategy, sticky));
        world.measure();
        let request = Request {
            conversation: Some(conversation_id(&[b"key", b"conversation"])),
            prompt_tokens: 1_000,
            last_user_message: Some(
                "Write a function that sorts a list of numbers and explain how it works.",
            ),
            ..Request::for_model("g")
        };
        println!("{name:20} {:8.0}", nanoseconds(|| world.plan(&request)));
    }

    let mut world = World::new(group_of_twenty(Strategy::Failover, false));
    world.index = {
        let mut policy = testing::policy(
            (0..TARGETS)
                .map(|number| testing::target(&format!("t{number}"), providers::OPENAI))
                .collect(),
            vec![],
        );
        policy
            .failover
            .model_mapping
            .insert(String::from("gpt-4o"), String::from("gpt-4o-mini"));
        PolicyIndex::new(Arc::new(policy))
    };
    let request = Request::for_model("gpt-4o");
    println!(
        "{:20} {:8.0}",
        "no group",
        nanoseconds(|| world.plan(&request))
    );

    // Repeating one group shows the cost of a lookup; alternating between all shows its cost without caching.
    println!("\nlookup and plan of 3 targets, ns\ngroups  one group  all in turn");
    for groups in [10, 100, 1_000, 10_000] {
        let targets = (0..3)
            .map(|number| testing::target(&format!("t{number}"), providers::OPENAI))
            .collect();
        let list = (0..groups)
            .map(|number| {
                let members = (0..3)
                    .map(|target| testing::member(target, "gpt-4o"))
                    .collect();
                testing::group(&format!("group-{number}"), Strategy::Failover, members)
            })
            .collect();
        let mut world = World::new(testing::policy(targets, list));
        let mut turn = 0;
        let mut name = String::new();
        let mut plan_in_steps_of = |step: usize| {
            nanoseconds(|| {
                turn = (turn + step) % groups;
                name.clear();
                write!(name, "group-{turn}").expect("memory");
                world.plan(&Request::for_model(&name))
            })
        };
        let (one, all) = (plan_in_steps_of(0), plan_in_steps_of(7_919));
        println!("{groups:6}  {one:9.0}  {all:11.0}");
    }

    let world = World::new(group_of_twenty(Strategy::Failover, false));
    let blob = world.health.encode();
    println!(
        "\nhealth of {TARGETS} targets: {} bytes, decode {:.0} ns, encode {:.0} ns",
        blob.len(),
        nanoseconds(|| HealthTable::decode(&blob).encode().len()) / 2.0,
        nanoseconds(|| world.health.encode().len()),
    );
    let mut world = World::new(group_of_twenty(Strategy::Failover, false));
    let (key, limits) = world.index.health_config(TargetId(3)).expect("a target");
    let served = Signal::Attempt(Outcome::Success { latency_ms: 5 });
    println!(
        "a success of a healthy target: {:.0} ns",
        nanoseconds(|| usize::from(world.health.apply(key, limits, served, NOW).changed))
    );

    let question = "Write a function that sorts a list of numbers and explain how it works. ";
    let text = question.repeat(1_000);
    let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{text}"}}]}}"#);
    let image = format!(
        r#"{{"messages":[{{"content":[{{"image_url":{{"url":"data:image/png;base64,{}"}}}}]}}]}}"#,
        "QUJD".repeat(1_000_000)
    );
    println!("\ntoken estimate, megabytes a second");
    for (name, body) in [("text", &body), ("image", &image)] {
        let seconds = (0..50)
            .map(|_| {
                let start = Instant::now();
                black_box(routing::tokens::of_request(body.as_bytes()));
                start.elapsed().as_secs_f64()
            })
            .fold(f64::INFINITY, f64::min);
        println!("{name:6} {:8.0}", body.len() as f64 / 1e6 / seconds);
    }
}
