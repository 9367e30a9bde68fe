//! The API on a store at hand: inside a running collector, or for a command that opens the store itself.

use std::sync::Arc;

use crate::store::Store;

/// The API on a store at hand.
#[derive(Clone)]
pub struct Local {
    store: Arc<dyn Store>,
    now_ms: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Local {
    /// On this store, by the system's clock.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self::with_clock(store, Arc::new(system_ms))
    }

    /// On this store, by a clock of the caller's: Unix milliseconds.
    pub fn with_clock(store: Arc<dyn Store>, now_ms: Arc<dyn Fn() -> u64 + Send + Sync>) -> Self {
        Self { store, now_ms }
    }
}

fn system_ms() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}
