//! Moderation by an OpenAI-compatible target: the question, its answer, and what the answer means for an evaluation.
//!
//! Wire format: `POST {base}/moderations` of OpenAI's API, which Mistral and others serve with categories of their own.

mod response;

use policy::{ContentCategory, Moderation, OnModerationError, PolicyAction};
use protocols::{RequestError, texts};
use serde_json::Value;

use crate::categories::Categories;
use crate::evaluation::{Evaluation, Outcome, Verdict};
use crate::{Filter, Guardrails};
pub use response::{ModerationResult, ModerationUnavailable, read};

/// Below the target's base URL.
pub const PATH: &str = "/moderations";

/// What a moderation target is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModerationRequest {
    /// JSON.
    pub body: Vec<u8>,
    /// How many texts it asks about, each of which gets a result.
    pub inputs: usize,
}

/// The question: all texts of the request as `input`, in the client's own escapes. Texts that belong together, such as the
/// input of a tool, are the lines of one. `None` where there is no text, so nothing to ask. Ask with the redacted body where
/// there was something to redact.
///
/// # Errors
/// `body` is not JSON.
pub fn request(
    moderation: &Moderation,
    body: &[u8],
) -> Result<Option<ModerationRequest>, RequestError> {
    let mut question = Vec::with_capacity(body.len());
    question.push(b'{');
    if let Some(model) = &moderation.model {
        question.extend_from_slice(b"\"model\":");
        question.extend_from_slice(Value::from(model.as_str()).to_string().as_bytes());
        question.push(b',');
    }
    question.extend_from_slice(b"\"input\":[");
    let mut inputs = 0_usize;
    let mut group = None;
    texts::scan(body, |text| {
        let separator: &[u8] = match group {
            None => b"\"",
            Some(last) if last == text.group => b"\\n",
            Some(_) => b"\",\"",
        };
        if group != Some(text.group) {
            group = Some(text.group);
            inputs = inputs.saturating_add(1);
        }
        question.extend_from_slice(separator);
        question.extend_from_slice(body.get(text.inside).unwrap_or_default());
    })?;
    question.extend_from_slice(b"\"]}");
    Ok((inputs > 0).then_some(ModerationRequest {
        body: question,
        inputs,
    }))
}

impl Guardrails {
    /// Adds to `evaluation` what the moderation target of policy number `policy` said, see [`Guardrails::moderations`].
    pub fn record_moderation(
        &self,
        evaluation: &mut Evaluation,
        policy: usize,
        moderation: &Result<ModerationResult, ModerationUnavailable>,
    ) {
        let Some((rule, result)) = self
            .rules
            .get(policy)
            .zip(evaluation.results.get_mut(policy))
        else {
            return;
        };
        let Some((filter, asked)) = rule
            .filter
            .as_ref()
            .and_then(|filter| Some((filter, filter.moderation.as_ref()?)))
        else {
            return;
        };
        let block = |categories: Categories| Verdict::Block {
            policy: rule.name.clone(),
            categories: categories.iter().collect(),
        };
        let verdict = match moderation
            .as_ref()
            .map(|moderation| filter.weigh(moderation))
        {
            Ok(Weight::Nothing) => return,
            Ok(Weight::Hit(hit)) => match filter.action {
                PolicyAction::Block => {
                    result.result = Outcome::Blocked;
                    block(hit)
                }
                // Lint refuses `redact` beside a moderation target.
                PolicyAction::Flag | PolicyAction::Redact => {
                    result.result = Outcome::Flagged;
                    Verdict::Flag
                }
            },
            Ok(Weight::NotJudged) | Err(_) => match asked.on_error {
                OnModerationError::Allow => {
                    if result.result == Outcome::Passed {
                        result.result = Outcome::NotJudged;
                    }
                    return;
                }
                OnModerationError::Block => {
                    result.result = Outcome::Blocked;
                    block(Categories::default())
                }
            },
        };
        let stronger = match (&evaluation.verdict, &verdict) {
            (Verdict::Allow, _) => true,
            (Verdict::Flag | Verdict::Redact(_), Verdict::Block { .. }) => true,
            (Verdict::Flag | Verdict::Redact(_) | Verdict::Block { .. }, _) => false,
        };
        if stronger {
            evaluation.verdict = verdict;
        }
    }
}

/// What an answer means for one filter.
enum Weight {
    /// It is content with the request.
    Nothing,
    /// These categories were found, of those it asked for.
    Hit(Categories),
    /// The target does not judge a category that it asked for.
    NotJudged,
}

impl Filter {
    /// A filter that names no category that a moderation target knows takes the target's word.
    fn weigh(&self, moderation: &ModerationResult) -> Weight {
        let mut found = Categories::default();
        for category in moderation.categories.iter().filter_map(|name| named(name)) {
            found.insert(category);
        }
        let mut asked = Categories::default();
        for category in self
            .categories
            .iter()
            .filter(|category| category.is_judged_by_moderation())
        {
            asked.insert(category);
        }
        let hit = found.intersection(asked);
        if !hit.is_empty() {
            return Weight::Hit(hit);
        }
        let is_reason_known = !asked.is_empty() && !moderation.judged.is_empty();
        if moderation.flagged && !is_reason_known {
            Weight::Hit(found)
        } else if moderation.judged.intersection(asked) == asked {
            Weight::Nothing
        } else {
            Weight::NotJudged
        }
    }
}

/// Our name for a category of OpenAI (`self-harm/intent`), Mistral (`violence_and_threats`) and their like.
fn named(name: &str) -> Option<ContentCategory> {
    const NAMES: [(&str, ContentCategory); 7] = [
        ("hate", ContentCategory::Hate),
        ("harassment", ContentCategory::Hate),
        ("violence", ContentCategory::Violence),
        ("illicit/violent", ContentCategory::Violence),
        ("sexual", ContentCategory::Sexual),
        ("self_harm", ContentCategory::SelfHarm),
        ("selfharm", ContentCategory::SelfHarm),
    ];
    let name = name.to_ascii_lowercase().replace('-', "_");
    NAMES
        .into_iter()
        .find(|(prefix, _)| name.starts_with(prefix))
        .map(|(_, category)| category)
}

#[cfg(test)]
mod tests;
