//! What a collector says of keys and budgets when `kt` itself asks, beside the filter.

use std::time::Duration;

use events::ControlState;
use policy::BaseUrl;

use crate::commands::Failure;

const PATIENCE: Duration = Duration::from_secs(3);
/// As far as the filter reads.
const MOST_BYTES: u64 = 32 << 20;

/// A question to one collector.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) collector: BaseUrl,
    pub(crate) token: Option<String>,
    /// Whose spending is not elsewhere.
    pub(crate) instance_id: String,
}

impl Question {
    /// The control state. Blocks, for some seconds at most.
    pub(crate) fn ask(&self) -> Result<ControlState, Failure> {
        let url = format!(
            "{}://{}/v1/control?instance_id={}",
            self.collector.scheme(),
            self.collector.authority(),
            self.instance_id
        );
        let mut request = crate::http::agent(PATIENCE)?.get(url);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut answer = request.call()?;
        if !answer.status().is_success() {
            return Err(format!("it answered {}", answer.status()).into());
        }
        let body = answer.body_mut().with_config().limit(MOST_BYTES);
        Ok(serde_json::from_slice(&body.read_to_vec()?)?)
    }
}
