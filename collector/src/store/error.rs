//! Why a store failed.

/// Why a store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached or written.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// A newer `kt` wrote it.
    #[error("the store has version {found}, this program knows versions up to {known}")]
    TooNew {
        /// Of the store.
        found: i64,
        /// The latest that is known here.
        known: i64,
    },
    /// A report would need too much memory.
    #[error("more than {most} groups: narrow the time or the filter")]
    TooManyGroups {
        /// What is allowed.
        most: usize,
    },
    /// What is stored is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}
