//! What applications and people say of answers: `POST /v1/events/{id}/feedback`.

use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::records;

/// Says how good an answer was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewFeedback {
    /// 0 (useless) to 1 (perfect).
    pub score: f64,
    /// Who or what judged, such as `thumbs` or `judge-v2`: an event has one score for each label, the latest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What was said of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// 0 to 1, in steps of a millionth.
    pub score: f64,
    /// Who or what judged; `None` if nobody said.
    pub label: Option<String>,
    /// Unix milliseconds.
    pub given_at_ms: u64,
}

// === impl NewFeedback ===

impl NewFeedback {
    /// As it is kept.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for a score that is not from 0 to 1, and labels that are no names.
    pub(crate) fn checked(&self, now_ms: u64) -> Result<Feedback, ApiError> {
        if !(0.0..=1.0).contains(&self.score) {
            return Err(ApiError::Invalid(format!(
                "score: expected a number from 0 to 1, found {}",
                self.score
            )));
        }
        let label = self.label.clone().filter(|label| !label.is_empty());
        if let Some(label) = &label {
            records::check_name("label", label)?;
        }
        Ok(Feedback {
            score: self.score,
            label,
            given_at_ms: now_ms,
        })
    }
}

// === impl Feedback ===

impl Feedback {
    /// From a store: no label is the empty one.
    pub(crate) fn of_store(label: String, score_millionths: u32, given_at_ms: u64) -> Self {
        Self {
            score: f64::from(score_millionths) / 1e6,
            label: (!label.is_empty()).then_some(label),
            given_at_ms,
        }
    }

    /// As stores keep it: whole numbers add up exactly.
    pub(crate) fn score_millionths(&self) -> u32 {
        // 0 to a million by its construction, and saturating.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let millionths = (self.score * 1e6).round() as u32;
        millionths
    }
}
