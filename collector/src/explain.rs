//! The plan for a request, made by whoever runs the collector: it knows no policies itself.

use std::sync::Arc;

use events::ProviderReport;
use serde_json::Value;

/// What is to be explained.
pub struct ExplainQuestion<'a> {
    /// The policy in force at the gateway, as its author wrote it.
    pub policy: &'a str,
    /// The endpoint, such as `/v1/chat/completions`.
    pub path: &'a str,
    /// The request's body, in JSON.
    pub request: &'a str,
    /// How the gateway sees its providers now.
    pub providers: &'a [ProviderReport<'static>],
}

/// Explains, or says why it cannot, for people.
pub type Explainer = Arc<dyn Fn(&ExplainQuestion<'_>) -> Result<Value, String> + Send + Sync>;
