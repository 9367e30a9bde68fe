//! A wall clock that is set, both ways: what lasts does not notice, and what the calendar decides is right again with it.

use std::collections::HashMap;
use std::rc::Rc;

use policy::TargetId;
use proptest::prelude::*;
use protocols::ClientFormat;
use routing::budget::{Claim, Ledger, Reservation};
use routing::health::{Outcome, Signal};
use routing::latency::{DeploymentKey, Sample};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::telemetry::observed;
use super::{POLICY, gateway_config};
use crate::config::{AuthRule, GatewayConfig};
use crate::control::Control;
use crate::health_checker::HealthChecker;
use crate::host::fake::FakeHost;
use crate::host::{HeaderList, header_map};
use crate::keys;
use crate::worker::Worker;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: u64 = 86_400_000;
const FIRST: TargetId = TargetId(0);
const PAIR: DeploymentKey = DeploymentKey(7);

/// The first target is probed.
fn policy() -> String {
    let probed = "health_check: {interval_seconds: 5, timeout_seconds: 1}";
    POLICY.replacen("health_check: {enabled: false}", probed, 1)
}

fn control(more: &Value) -> Value {
    let mut state = json!({"version": "1", "keys_required": true, "keys": [{
        "id": "k", "name": "k", "requests_per_minute": 3,
        "sha256": events::key_hash_hex(&Sha256::digest("kt_gk_k"))}]});
    for (name, value) in more.as_object().unwrap() {
        state["keys"][0][name] = value.clone();
    }
    state
}

fn bearer() -> HeaderList {
    let headers: [(&str, &[u8]); 1] = [("authorization", b"Bearer kt_gk_k")];
    HeaderList::of(header_map::encode(&headers))
}

/// A gateway's monitor and one of its workers, with one host for both.
struct DownstreamFilter {
    host: FakeHost,
    vm: Rc<Worker>,
    config: Rc<GatewayConfig>,
    monitor: HealthChecker,
    control: Control,
    answered: usize,
}

#[derive(Debug, Clone)]
enum Step {
    Wait {
        ms: u64,
    },
    SetClock {
        hours: i64,
    },
    Fails,
    Serves,
    IsLimited {
        wait_ms: u64,
    },
    Request,
    /// The collector, or a target that is probed, answers what it was asked last.
    Answer {
        status: &'static str,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u64..40_000).prop_map(|ms| Step::Wait { ms }),
        3 => (-1_i64..=1).prop_map(|hours| Step::SetClock { hours }),
        2 => Just(Step::Fails),
        1 => Just(Step::Serves),
        1 => (1_u64..20_000).prop_map(|wait_ms| Step::IsLimited { wait_ms }),
        4 => Just(Step::Request),
        2 => prop::sample::select(vec!["200", "500"]).prop_map(|status| Step::Answer { status }),
    ]
}

impl DownstreamFilter {
    fn new() -> Self {
        let host = FakeHost::default();
        let vm = Rc::new(Worker::new(&host));
        let policy = observed(&policy());
        let config = gateway_config(&policy);
        crate::shared::publish_configuration(&host, policy.as_bytes());
        let monitor = HealthChecker::new(&host, Rc::clone(&vm));
        let state = serde_json::from_value(control(&json!({}))).unwrap();
        Self {
            host,
            vm,
            config,
            monitor,
            control: Control::of(&state),
            answered: 0,
        }
    }

    /// Does it, lets the monitor tick, and tells everything that should not depend on the wall clock.
    fn take(&mut self, step: &Step, sets_clock: bool) -> Value {
        let now_ms = &self.host.now_ms;
        let mut admitted = None;
        match step {
            Step::Wait { ms } => now_ms.set(now_ms.get() + ms),
            Step::SetClock { hours } if sets_clock => self.host.clock_set_ms.set(hours * HOUR_MS),
            Step::SetClock { .. } => {}
            Step::Fails => self.attempted(Outcome::ServerError),
            Step::Serves => {
                self.attempted(Outcome::Success { latency_ms: 40 });
                let sample = Sample::Success {
                    latency_ms: 40,
                    throughput: None,
                };
                self.vm.sample(PAIR, sample, self.host.moment());
            }
            Step::IsLimited { wait_ms } => self.attempted(Outcome::RateLimited {
                retry_after_ms: Some(*wait_ms),
            }),
            Step::Request => {
                let now = self.host.moment();
                let client = ClientFormat::ChatCompletions;
                let result = keys::admit(
                    &self.host,
                    &self.control,
                    AuthRule::Collector,
                    client,
                    &bearer(),
                    now,
                );
                admitted = Some(result.map_err(|refused| refused.answer.headers).is_ok());
            }
            Step::Answer { status } => self.answer(status),
        }
        self.monitor.on_tick(&self.host);
        let calls = self.host.calls.borrow();
        let calls: Vec<&str> = calls.iter().map(|(cluster, _)| cluster.as_str()).collect();
        let now = self.host.moment();
        let (key, limits) = self.config.index.health_config(FIRST).unwrap();
        let (health, latency) = self.vm.with_view(&self.host, now, |view| {
            let health = view.health.availability(key, limits, now.monotonic_ms());
            (
                format!("{health:?}"),
                view.latency.measured(PAIR, 60_000).samples(),
            )
        });
        json!({"calls": calls, "admitted": admitted, "health": health, "samples": latency})
    }

    fn attempted(&self, outcome: Outcome) {
        let signal = Signal::Attempt(outcome);
        self.vm.signal(&self.host, &self.config, FIRST, signal);
    }

    fn answer(&mut self, status: &str) {
        let calls = self.host.calls.borrow().len();
        if self.answered == calls {
            return;
        }
        self.answered = calls;
        let headers = vec![(String::from(":status"), status.as_bytes().to_vec())];
        self.host.call_answer.replace(headers);
        let token = u32::try_from(calls).unwrap();
        self.monitor.on_call_response(&self.host, token);
    }
}

/// A ceiling of 100 nano dollars a day, as it was told on the first day. Since then nobody was heard.
fn daily_budget(first_day_ms: u64) -> Control {
    let state = json!({"version": "1", "keys_required": false, "budgets": [{
        "provider": "first", "limit_usd": 1e-7, "period": "daily", "period_start_ms": first_day_ms,
        "period_end_ms": first_day_ms + DAY_MS, "spent_elsewhere_usd": 0.0}]});
    Control::of(&serde_json::from_value(state).unwrap())
}

#[derive(Debug, Clone)]
enum Spending {
    Wait { ms: u64 },
    SetClock { hours: i64 },
    Reserve { estimate: u64 },
    Settle { which: usize, billed: u64 },
}

fn spending() -> impl Strategy<Value = Spending> {
    prop_oneof![
        2 => (0_u64..DAY_MS).prop_map(|ms| Spending::Wait { ms }),
        2 => (-1_i64..=1).prop_map(|hours| Spending::SetClock { hours }),
        4 => (0_u64..60).prop_map(|estimate| Spending::Reserve { estimate }),
        3 => (any::<usize>(), 0_u64..60).prop_map(|(which, billed)| Spending::Settle { which, billed }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Health's waits and rows, probes, requests per minute, windows of latency, the queue of events and its repetitions,
    /// and questions to the collector.
    #[test]
    fn what_lasts_does_not_notice_that_the_clock_is_set(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let (mut steady, mut jumping) = (DownstreamFilter::new(), DownstreamFilter::new());
        for (number, step) in steps.iter().enumerate() {
            let expected = steady.take(step, false);
            let found = jumping.take(step, true);
            prop_assert_eq!(expected, found, "after step {} of {:?}", number, steps);
        }
        // The collector and the probed target were asked.
        jumping.take(&Step::Wait { ms: 40_000 }, true);
        let calls = jumping.host.calls.borrow();
        for asked in ["kt/collector", "kt/first/120000ms"] {
            prop_assert!(calls.iter().any(|(cluster, _)| cluster == asked), "{} {:?}", asked, calls);
        }
    }

    #[test]
    fn a_key_expires_by_the_calendar_and_is_good_again_when_the_clock_is(
        expires_in_ms in 0_u64..7_200_000,
        steps in prop::collection::vec((0_u64..600_000, -1_i64..=1), 1..50),
    ) {
        let host = FakeHost::default();
        let expires_at_ms = host.moment().unix_ms + expires_in_ms;
        let state = control(&json!({"expires_at_ms": expires_at_ms}));
        let control = Control::of(&serde_json::from_value(state).unwrap());
        for (wait_ms, hours) in steps {
            host.now_ms.set(host.now_ms.get() + wait_ms);
            host.clock_set_ms.set(hours * HOUR_MS);
            for now in [host.moment(), FakeHost::default().moment()] {
                let is_good = control.admit(Some(b"kt_gk_k"), now.unix_ms, AuthRule::Collector).is_ok();
                prop_assert_eq!(is_good, now.unix_ms < expires_at_ms);
            }
        }
    }

    /// Each day has its ceiling, by whatever the clock says, however often it says another day in between; and each further
    /// day opens though the collector is away.
    #[test]
    fn a_day_has_one_ceiling_however_the_clock_jumps(
        steps in prop::collection::vec(spending(), 1..200),
    ) {
        let host = FakeHost::default();
        let first_day = host.moment().unix_ms / DAY_MS;
        let control = daily_budget(first_day * DAY_MS);
        let mut ledger = Ledger::default();
        let mut used: HashMap<u64, u64> = HashMap::new();
        let mut in_flight: Vec<(Reservation, u64, u64)> = Vec::new();
        for step in steps {
            let unix_ms = host.moment().unix_ms;
            // A clock that runs behind the collector's opens no day that was over.
            let day = (unix_ms / DAY_MS).max(first_day);
            match step {
                // Requests do not last for days.
                Spending::Wait { ms } if in_flight.is_empty() || ms < DAY_MS / 4 => {
                    host.now_ms.set(host.now_ms.get() + ms);
                }
                Spending::Wait { .. } => {}
                Spending::SetClock { hours } => host.clock_set_ms.set(hours * HOUR_MS),
                Spending::Reserve { estimate } => {
                    let account = control.named("first")[0].at(unix_ms);
                    prop_assert_eq!(account.period_start_ms, day * DAY_MS);
                    let spent = *used.get(&day).unwrap_or(&0);
                    let granted = ledger.reserve(&[Claim { account: &account, estimate }]);
                    prop_assert!(granted.is_err() || spent + estimate <= 100);
                    if let Ok(granted) = granted {
                        in_flight.push((granted[0], day, estimate));
                        *used.entry(day).or_default() += estimate;
                    } else {
                        prop_assert!(spent + estimate > 100 || ledger.usage(&account).is_spent());
                    }
                }
                Spending::Settle { which, billed } if !in_flight.is_empty() => {
                    let (reservation, day, estimate) = in_flight.swap_remove(which % in_flight.len());
                    ledger.settle(&reservation, billed);
                    let spent = used.entry(day).or_default();
                    *spent = *spent - estimate + billed;
                }
                Spending::Settle { .. } => {}
            }
        }
    }
}

#[test]
fn a_day_opens_after_the_other_though_nobody_tells() {
    let first_day_ms = 1_776_902_400_000;
    let control = daily_budget(first_day_ms);
    let mut ledger = Ledger::default();
    for day in 0..5 {
        let noon_ms = first_day_ms + day * DAY_MS + DAY_MS / 2;
        let account = control.named("first")[0].at(noon_ms);
        let claim = Claim {
            account: &account,
            estimate: 100,
        };
        let granted = ledger.reserve(&[claim]).unwrap();
        ledger.settle(&granted[0], 100);
        assert!(ledger.usage(&account).is_spent(), "day {day}");
        assert!(ledger.reserve(&[claim]).is_err(), "day {day}");
    }
}

#[test]
fn health_tells_when_it_last_looked_by_the_wall_clock() {
    let host = FakeHost::default();
    let looked = host.moment();
    host.now_ms.set(host.now_ms.get() + 5_000);
    for hours in [-1, 0, 1] {
        host.clock_set_ms.set(hours * HOUR_MS);
        let now = host.moment();
        assert_eq!(now.unix_ms_of(looked.monotonic_ms()), now.unix_ms - 5_000);
        assert_eq!(
            now.unix_ms_of(now.monotonic_ms() + 7_000),
            now.unix_ms + 7_000
        );
    }
}
