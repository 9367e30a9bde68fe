//! Latency routing in a simulation: two workers, virtual time, targets whose latency is a function of time.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use policy::{LatencySettings, Strategy, TargetId};

use crate::latency::{DeploymentKey, LatencySnapshot, LocalWindow, Sample};
use crate::plan::fixture::{Fixture, NOW};
use crate::plan_error::ExclusionReason;
use crate::random::Random;
use crate::request::Request;
use crate::testing::one_group;

const SECOND: u64 = 1_000;
const WINDOW: u64 = 60 * SECOND;

/// How a target responds to a request sent this many milliseconds after the start.
type Behaviour = Box<dyn Fn(u64, &mut Random) -> Sample>;

struct Simulation {
    workers: Vec<(Fixture, LocalWindow)>,
    blob: Vec<u8>,
    targets: Vec<Behaviour>,
    /// (end time, order, worker, deployment, sample)
    under_way: BinaryHeap<Reverse<(u64, usize, usize, DeploymentKey)>>,
    samples: Vec<Sample>,
    noise: Random,
    clock_ms: u64,
}

impl Simulation {
    fn new(settings: LatencySettings, targets: Vec<Behaviour>) -> Self {
        let document = one_group(targets.len(), Strategy::Latency(settings));
        let workers = (0..2)
            .map(|seed| {
                let mut fixture = Fixture::new(document.clone());
                fixture.random = Random::seeded(seed);
                (fixture, LocalWindow::default())
            })
            .collect();
        Self {
            workers,
            blob: Vec::new(),
            targets,
            under_way: BinaryHeap::new(),
            samples: Vec::new(),
            noise: Random::seeded(9),
            clock_ms: 0,
        }
    }

    /// 100 requests a second until `end_ms`; returns how many went to each target.
    fn run_until(&mut self, end_ms: u64) -> Vec<usize> {
        let mut counts = vec![0; self.targets.len()];
        while self.clock_ms < end_ms {
            if self.clock_ms.is_multiple_of(SECOND) {
                self.tick();
            }
            self.finish_until(self.clock_ms);
            counts[self.send()] += 1;
            self.clock_ms += 10;
        }
        counts
    }

    fn tick(&mut self) {
        for (fixture, window) in &mut self.workers {
            self.blob = window.merge_into(&self.blob, NOW + self.clock_ms);
            fixture.worker.samples_arrived(window);
            window.clear();
            fixture.latency = LatencySnapshot::decode(&self.blob, NOW + self.clock_ms);
        }
    }

    fn send(&mut self) -> usize {
        let turn = usize::try_from(self.clock_ms / 10).unwrap() % 2;
        let (fixture, _) = &mut self.workers[turn];
        fixture.now_ms = NOW + self.clock_ms;
        let plan = fixture.plan(&Request::for_model("g")).unwrap();
        let primary = &plan.attempts[0];
        let sample = self.targets[primary.target.0](self.clock_ms, &mut self.noise);
        let duration = match sample {
            Sample::Success { latency_ms, .. } => latency_ms,
            Sample::Failure { waited_ms } => waited_ms,
        };
        self.samples.push(sample);
        self.under_way.push(Reverse((
            self.clock_ms + duration,
            self.samples.len() - 1,
            turn,
            primary.deployment,
        )));
        primary.target.0
    }

    fn finish_until(&mut self, now_ms: u64) {
        while let Some(Reverse((end_ms, order, worker, deployment))) =
            self.under_way.peek().copied()
            && end_ms <= now_ms
        {
            self.under_way.pop();
            let sample = self.samples[order];
            self.workers[worker]
                .1
                .record(deployment, sample, NOW + end_ms);
        }
    }
}

/// Exponentially distributed around `mean_ms`, roughly like real responses, above a floor.
fn around(mean_ms: u64, noise: &mut Random) -> Sample {
    let uniform = (noise.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let latency_ms = mean_ms as f64 * (0.5 - 0.5 * (1.0 - uniform).ln());
    Sample::Success {
        latency_ms: latency_ms as u64,
        throughput: None,
    }
}

#[test]
fn the_fastest_gets_nearly_everything() {
    let mut simulation = Simulation::new(
        LatencySettings::default(),
        vec![
            Box::new(move |_, noise| around(800, noise)),
            Box::new(move |_, noise| around(300, noise)),
            Box::new(move |_, noise| around(600, noise)),
        ],
    );
    simulation.run_until(20 * SECOND);
    let counts = simulation.run_until(80 * SECOND);
    assert!(counts[1] > 5_900, "{counts:?}");
}

#[test]
fn a_target_that_slows_down_is_left_within_a_window_and_regains_within_two() {
    let slow_from = 60 * SECOND;
    let slow_until = 180 * SECOND;
    let mut simulation = Simulation::new(
        LatencySettings::default(),
        vec![
            Box::new(move |now, noise| {
                let mean_ms = if (slow_from..slow_until).contains(&now) {
                    2_000
                } else {
                    200
                };
                around(mean_ms, noise)
            }),
            Box::new(move |_, noise| around(500, noise)),
        ],
    );
    simulation.run_until(10 * SECOND);
    let before = simulation.run_until(slow_from);
    assert!(before[0] > 4_900, "{before:?}");
    simulation.run_until(slow_from + WINDOW);
    let slow = simulation.run_until(slow_until);
    // It only gets the exploration samples.
    assert!(slow[0] < 50, "{slow:?}");
    simulation.run_until(slow_until + 2 * WINDOW);
    let after = simulation.run_until(slow_until + 3 * WINDOW);
    assert!(after[0] > 5_900, "{after:?}");
}

#[test]
fn short_windows_are_as_quick_to_forgive_as_long_ones() {
    let window_ms = 2 * SECOND;
    for slow_until in (30..40).map(|second| second * SECOND) {
        let mut simulation = Simulation::new(
            LatencySettings {
                window_ms,
                ..LatencySettings::default()
            },
            vec![
                Box::new(move |now, noise| around(if now < slow_until { 900 } else { 20 }, noise)),
                Box::new(move |_, noise| around(200, noise)),
            ],
        );
        simulation.run_until(10 * SECOND);
        let slow = simulation.run_until(slow_until);
        // Five samples per worker, once in each window.
        let windows = usize::try_from((slow_until - 10 * SECOND) / window_ms).unwrap();
        assert!(slow[0] <= 2 * 5 * (windows + 1), "{slow:?}");
        simulation.run_until(slow_until + 2 * window_ms);
        let after = simulation.run_until(slow_until + 3 * window_ms);
        assert!(after[0] > 180, "{slow_until}: {after:?}");
    }
}

/// One request each half minute, far apart enough for the window to forget every one: the slow member is not measured
/// all day.
#[test]
fn with_little_traffic_at_most_one_request_in_twenty_explores() {
    let mut simulation = Simulation::new(
        LatencySettings::default(),
        vec![
            Box::new(move |_, noise| around(3_000, noise)),
            Box::new(move |_, noise| around(300, noise)),
            Box::new(move |_, noise| around(2_000, noise)),
        ],
    );
    let mut served = Vec::new();
    for request in 0..500_u64 {
        simulation.clock_ms = request * 30 * SECOND;
        simulation.finish_until(simulation.clock_ms);
        simulation.tick();
        served.push(simulation.send());
    }
    // At first `min_sample_count` each.
    let first = served.drain(..15).collect::<Vec<_>>();
    for target in 0..3 {
        let count = first.iter().filter(|served| **served == target).count();
        assert_eq!(count, 5, "{first:?}");
    }
    let slow = served.iter().filter(|served| **served != 1).count();
    assert!(slow <= served.len() / 20, "{slow} of {}", served.len());
    // Whoever has become fast is found out all the same.
    assert!(slow >= 5, "{slow}");
}

#[test]
fn a_target_that_hangs_is_left_within_its_timeout() {
    let timeout_ms = 10 * SECOND;
    let hangs_from = 30 * SECOND;
    let mut simulation = Simulation::new(
        LatencySettings::default(),
        vec![
            Box::new(move |now, noise| {
                if now < hangs_from {
                    around(200, noise)
                } else {
                    Sample::Failure {
                        waited_ms: timeout_ms,
                    }
                }
            }),
            Box::new(move |_, noise| around(500, noise)),
        ],
    );
    simulation.run_until(hangs_from + timeout_ms + 2 * SECOND);
    let counts = simulation.run_until(hangs_from + timeout_ms + 22 * SECOND);
    assert!(counts[0] < 20, "{counts:?}");
}

#[test]
fn a_target_that_always_fails_fast_gets_samples_only() {
    let mut simulation = Simulation::new(
        LatencySettings::default(),
        vec![
            Box::new(move |_, _| Sample::Failure { waited_ms: 1 }),
            Box::new(move |_, noise| around(500, noise)),
        ],
    );
    // Nothing is known before the first tick.
    simulation.run_until(SECOND);
    let counts = simulation.run_until(60 * SECOND);
    assert!(counts[0] <= 20, "{counts:?}");
}

#[test]
fn among_three_equals_none_gets_more_than_half() {
    let mut simulation = Simulation::new(
        LatencySettings::default(),
        vec![
            Box::new(move |_, noise| around(400, noise)),
            Box::new(move |_, noise| around(400, noise)),
            Box::new(move |_, noise| around(400, noise)),
        ],
    );
    for second in (10..300).step_by(10) {
        let counts = simulation.run_until(second * SECOND);
        if second > 10 {
            assert!(
                counts.iter().all(|&count| count <= 500),
                "{second} s: {counts:?}"
            );
        }
    }
}

#[test]
fn at_the_start_nobody_is_sent_the_crowd_before_it_is_measured() {
    let mut simulation = Simulation::new(
        LatencySettings::default(),
        vec![
            Box::new(move |_, _| Sample::Failure {
                waited_ms: 30 * SECOND,
            }),
            Box::new(move |_, noise| around(200, noise)),
            Box::new(move |_, noise| around(200, noise)),
        ],
    );
    let counts = simulation.run_until(20 * SECOND);
    // Five samples per worker, twice because the first were lost, and its turns while nothing was known.
    assert!(counts[0] < 60, "{counts:?}");
}

#[test]
fn equals_take_turns_in_list_order_and_the_first_comes_first() {
    let mut fixture = Fixture::new(one_group(3, Strategy::Latency(LatencySettings::default())));
    let pairs: Vec<DeploymentKey> = (0..3).map(|target| fixture.deployment(target)).collect();
    for (deployment, latency_ms) in pairs.iter().zip([800, 800, 2_000]) {
        let snapshot = std::mem::take(&mut fixture.latency);
        fixture.latency = snapshot.assuming(*deployment, latency_ms, 100, NOW);
    }
    assert_eq!(fixture.served("g"), ["t0/m0", "t1/m1", "t2/m2"]);
    assert_eq!(fixture.served("g"), ["t1/m1", "t0/m0", "t2/m2"]);
    assert_eq!(fixture.served("g"), ["t0/m0", "t1/m1", "t2/m2"]);
}

#[test]
fn members_above_the_limit_are_out_unless_all_are() {
    let settings = LatencySettings {
        max_latency_ms: Some(3_000),
        ..LatencySettings::default()
    };
    let mut fixture = Fixture::new(one_group(2, Strategy::Latency(settings)));
    let (first, second) = (fixture.deployment(0), fixture.deployment(1));
    fixture.latency = LatencySnapshot::default()
        .assuming(first, 3_500, 20, NOW)
        .assuming(second, 2_900, 20, NOW);
    let plan = fixture.plan(&Request::for_model("g")).unwrap();
    assert_eq!(fixture.names(&plan), ["t1/m1"]);
    assert_eq!(plan.excluded[0].target, TargetId(0));
    assert_eq!(plan.excluded[0].reason, ExclusionReason::TooSlow);
    fixture.latency = LatencySnapshot::default()
        .assuming(first, 3_500, 20, NOW)
        .assuming(second, 9_000, 20, NOW);
    assert_eq!(fixture.served("g"), ["t0/m0", "t1/m1"]);
}

#[test]
fn highest_throughput_prefers_tokens_per_second_over_quick_starts() {
    let mut fixture = Fixture::new(one_group(
        2,
        Strategy::HighestThroughput(LatencySettings::default()),
    ));
    let mut window = LocalWindow::default();
    for _ in 0..10 {
        for (target, latency_ms, tokens) in [(0, 100, 40), (1, 900, 90)] {
            let sample = Sample::Success {
                latency_ms,
                throughput: Some((tokens, 1_000)),
            };
            window.record(fixture.deployment(target), sample, NOW);
        }
    }
    fixture.latency = LatencySnapshot::decode(&window.merge_into(&[], NOW), NOW);
    for _ in 0..5 {
        assert_eq!(fixture.served("g")[0], "t1/m1");
    }
}
