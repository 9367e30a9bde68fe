//! How a collector is to run.

use std::path::PathBuf;

use crate::otlp::OtlpSettings;
use crate::store::StoreLocation;
use crate::tokens::Tokens;

/// How a collector is to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where events are kept.
    pub store: StoreLocation,
    /// For the audit trail and its key.
    pub data_dir: PathBuf,
    /// Who may deliver and who may ask.
    pub tokens: Tokens,
    /// What can change while it runs.
    pub rules: Rules,
    /// The largest batch in bytes; larger ones are answered with 413.
    pub max_batch_bytes: usize,
    /// What is exported to receivers of OpenTelemetry.
    pub telemetry: OtlpSettings,
    /// Connections at the same time; see [`crate::default_max_connections`].
    pub max_connections: usize,
}

/// What a batch may have unless it is said otherwise: 4 MiB.
pub const MAX_BATCH_BYTES: usize = 4 << 20;

/// What the policy and the command line say, and a reload may change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// Older events and audit records are removed; `None` keeps them all. From `audit-logger`'s `retention_days`.
    pub retention_days: Option<u32>,
    /// Keep a hash-chained audit trail; `None` keeps none.
    pub audit: Option<AuditScope>,
    /// Whether requests without a key are let in.
    pub keys: KeyRule,
}

/// What the audit trail records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditScope {
    /// Every decision: `log_all_access: true`.
    EveryDecision,
    /// Blocked and flagged ones.
    BlockedAndFlagged,
}

/// Whether requests without a gateway key are let in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyRule {
    /// As long as no key was ever created. Revoking the last one does not open the door again.
    #[default]
    OnceCreated,
    /// Never.
    Always,
    /// Always; keys that are presented still count.
    Never,
}

impl KeyRule {
    /// Whether requests need a key where there were keys, or none ever.
    pub fn requires_keys(self, there_were_keys: bool) -> bool {
        match self {
            Self::OnceCreated => there_were_keys,
            Self::Always => true,
            Self::Never => false,
        }
    }
}
