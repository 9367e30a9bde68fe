//! What a collector does beside answering: the audit trail and retention, on a thread of its own.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use events::Timestamp;

use crate::audit::{Keeper, KeeperError, Trail};
use crate::control::ControlMark;
use crate::health::{Problems, Topic};
use crate::local::Local;
use crate::settings::{AuditScope, Rules};
use crate::store::MS_PER_DAY;

const LOG: &str = "keeptrusts::collector";
/// How often the store is looked at for the audit trail.
const LOOK: Duration = Duration::from_millis(200);
/// How often keys and budgets are looked at, where no gateway asks for them.
const MARK_INTERVAL: Duration = Duration::from_secs(5);
/// How often old events are removed, and a trail that cannot be written is tried again.
const SELDOM: Duration = Duration::from_secs(3_600);

/// What a collector does beside answering.
pub(crate) struct Upkeep {
    pub(crate) api: Local,
    pub(crate) data_dir: PathBuf,
    pub(crate) rules: Arc<RwLock<Rules>>,
    pub(crate) mark: Arc<ControlMark>,
    pub(crate) problems: Arc<Problems>,
}

impl Upkeep {
    /// Until the other end of `end` is gone.
    pub(crate) fn run(self, end: &Receiver<()>) {
        let mut keeper = None;
        let mut retry = Instant::now();
        let mut retention = (None, Instant::now());
        let mut mark_due = Instant::now();
        loop {
            let ends = !matches!(end.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout));
            let rules = *self
                .rules
                .read()
                .unwrap_or_else(|broken| broken.into_inner());
            match rules.audit {
                None => {
                    keeper = None;
                    self.problems.set(Topic::Audit, None, "");
                }
                Some(scope) if Instant::now() >= retry => match self.record(&mut keeper, scope) {
                    Ok(()) => self.problems.set(Topic::Audit, None, ""),
                    Err(error) => {
                        let detail = error.to_string();
                        self.problems
                            .set(Topic::Audit, Some("nothing is audited"), &detail);
                        keeper = None;
                        retry = Instant::now() + SELDOM;
                    }
                },
                Some(_) => {}
            }
            if ends || Instant::now() >= mark_due {
                mark_due = Instant::now() + MARK_INTERVAL;
                let store = self.api.store.as_ref();
                if let Err(error) = self.mark.follow(store, self.api.now_ms()) {
                    log::error!(target: LOG, "Keys and budgets cannot be read: {error}");
                }
            }
            if ends {
                return;
            }
            let (applied, due) = retention;
            if rules.retention_days != applied || Instant::now() >= due {
                retention = (rules.retention_days, Instant::now() + SELDOM);
                self.forget(&mut keeper, rules);
            }
        }
    }

    fn record(&self, keeper: &mut Option<Keeper>, scope: AuditScope) -> Result<(), KeeperError> {
        let keeper = match keeper {
            Some(keeper) => keeper,
            none => none.insert(Keeper::new(Trail::open(&self.data_dir)?, &self.api, scope)?),
        };
        keeper.catch_up(&self.api, scope)
    }

    fn forget(&self, keeper: &mut Option<Keeper>, rules: Rules) {
        let Some(days) = rules.retention_days else {
            return;
        };
        if rules.audit.is_some() && keeper.is_none() {
            // Not before it is recorded.
            return;
        }
        let before = self
            .api
            .now_ms()
            .saturating_sub(u64::from(days) * MS_PER_DAY);
        match self.api.store.forget_before(Timestamp::from_millis(before)) {
            Ok(0) => {}
            Ok(forgotten) => {
                log::info!(target: LOG, "{forgotten} events older than {days} days are removed");
            }
            Err(error) => log::error!(target: LOG, "Old events are not removed: {error}"),
        }
        if let Some(Err(error)) = keeper.as_mut().map(|keeper| keeper.forget_before(before)) {
            log::error!(target: LOG, "Old audit records are not removed: {error}");
        }
    }
}
