//! Gateways between two tests.
//!
//! An Envoy takes seconds of a core to compile the module, and a hundredth of that to take over another policy. So most
//! tests let a gateway that runs already change to their policy, as a user would: by its file. The health of a target is
//! kept under its address, and every simulated provider has one of its own; its latencies are kept under its id.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::gateway::GatewayOptions;
use crate::inotify;
use crate::patience::PATIENCE;
use crate::policy::{PolicyText, Upstream};
use crate::process::Process;

/// Targets of more than one test. Every gateway has their keys, so that it suits all those tests.
const USUAL_TARGETS: &str = "p0 p1 p2 p3 p4 p5 p6 p7 anthropic azure bedrock both broken claude compatible first good \
    last limited native nowhere only openai refused structured there";

/// What a gateway serves while it waits. Nothing of the last test's policy is in it, so that its targets are forgotten
/// and not probed any more.
const POLICY: &str = "
pack: {name: idle, version: 1.0.0, enabled: true}
providers:
  targets:
    - id: idle
      provider: {base_url: \"http://127.0.0.1:9\", type: openai-compatible}
      health_check: {enabled: false}
";

/// Gateways that wait at the same time: those of one worker, of two, and with simulated providers.
const MOST_WAITING: usize = 6;
/// Instances of inotify that a gateway which waits may have. Envoy keeps those for keys of former policies for a minute.
const MOST_WATCHES: usize = 16;
/// Those that a gateway has beside one for each key: for clusters, routes, the filter and the collector's token.
const WATCHES_BESIDE_KEYS: usize = 4;
/// Those that are left alone: tests change the policies of their gateways, and other copies of the tests look for room at
/// the same time.
const SPARE_WATCHES: usize = 32;

const POLL: Duration = Duration::from_millis(100);

static IDLE: Mutex<Vec<Lent>> = Mutex::new(Vec::new());

/// A gateway that outlives the test that has it.
#[derive(Debug)]
pub(crate) struct Lent {
    pub(crate) process: Process,
    options: GatewayOptions,
    keys: Vec<(String, String)>,
    /// Lines of its log that are older than the policy that it serves.
    pub(crate) older_lines: usize,
}

/// Waits until the system has room for a gateway of so many keys. Ends those that wait where it has not.
pub(crate) async fn make_room(keys: usize) {
    let started = Instant::now();
    while inotify::left() < keys + WATCHES_BESIDE_KEYS + SPARE_WATCHES
        && started.elapsed() < PATIENCE
    {
        let oldest = {
            let mut waiting = waiting();
            (!waiting.is_empty()).then(|| waiting.remove(0))
        };
        drop(oldest);
        tokio::time::sleep(POLL).await;
    }
}

impl Lent {
    /// One that serves `policy`: one that waits, or else a new one.
    pub(crate) async fn serving(policy: &PolicyText, options: &GatewayOptions) -> Self {
        make_room(policy.keys.len()).await;
        while let Some(mut waiting) = take(policy, options) {
            if waiting.process.runs() {
                waiting.change(&policy.text).await;
                return waiting;
            }
        }
        let mut keys = policy.keys.clone();
        for id in USUAL_TARGETS.split_whitespace() {
            let target = Upstream::at_url(id, "");
            let usual = (target.key_variable(), target.key());
            if !keys.iter().any(|(name, _)| *name == usual.0) {
                keys.push(usual);
            }
        }
        let mut process = Process::start(&policy.text, &keys, options).await;
        process.end_with_us();
        Self {
            process,
            options: options.clone(),
            keys,
            older_lines: 0,
        }
    }

    async fn change(&mut self, policy: &str) {
        // Until then its log tells of what it served before.
        let process = &self.process;
        let idle = process.wait_until_served(self.older_lines, POLICY).await;
        process.hand_in(policy);
        self.older_lines = process.wait_until_served(idle, policy).await;
    }

    /// For the next test, unless it has become too large.
    pub(crate) fn give_back(mut self) {
        if self.process.watches() > MOST_WATCHES {
            return;
        }
        self.older_lines = self.process.log().len();
        self.process.hand_in(POLICY);
        let mut waiting = waiting();
        waiting.push(self);
        let oldest = (waiting.len() > MOST_WAITING).then(|| waiting.remove(0));
        drop(waiting);
        drop(oldest);
    }

    fn suits(&self, policy: &PolicyText, options: &GatewayOptions) -> bool {
        self.options.start_the_same(options)
            && policy.keys.iter().all(|key| self.keys.contains(key))
    }
}

fn take(policy: &PolicyText, options: &GatewayOptions) -> Option<Lent> {
    let mut waiting = waiting();
    let position = waiting
        .iter()
        .position(|lent| lent.suits(policy, options))?;
    Some(waiting.remove(position))
}

fn waiting() -> std::sync::MutexGuard<'static, Vec<Lent>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}
