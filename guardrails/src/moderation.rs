//! Moderation by an OpenAI-compatible target: the question, its answer, and what the answer means for an evaluation.
//!
//! Wire format: `POST {base}/moderations` of OpenAI's API, which Mistral and others serve with categories of their own.

use policy::{ContentCategory, Moderation, OnModerationError, PolicyAction};
use protocols::{ClientFormat, RequestError, texts};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::categories::Categories;
use crate::evaluation::{Evaluation, Outcome, Verdict};
use crate::{Filter, Guardrails};

/// Below the target's base URL.
pub const PATH: &str = "/moderations";

/// What a moderation target said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Some text has unwanted content.
    pub flagged: bool,
    /// Which, in the target's own words.
    pub categories: Vec<String>,
}

/// Why there is no judgement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoJudgement {
    /// No answer came in time, or the target could not be reached.
    #[error("the moderation target did not answer")]
    NoAnswer,
    /// It answered with an error.
    #[error("expected status 200 of the moderation target, found {0}")]
    Status(u16),
    /// It answered something else.
    #[error("expected `results` with `flagged` or `categories` of the moderation target: {0}")]
    NotAModeration(String),
}

/// The body of the question: all texts of the request as `input`, in the client's own escapes. `None` where there is no
/// text, so nothing to ask. Ask with the redacted body where there was something to redact.
///
/// # Errors
/// `body` is not JSON.
pub fn request(
    moderation: &Moderation,
    format: ClientFormat,
    body: &[u8],
) -> Result<Option<Vec<u8>>, RequestError> {
    let texts = texts::scan(format, body)?;
    if texts.is_empty() {
        return Ok(None);
    }
    let mut question = Vec::with_capacity(body.len());
    question.push(b'{');
    if let Some(model) = &moderation.model {
        question.extend_from_slice(b"\"model\":");
        question.extend_from_slice(Value::from(model.as_str()).to_string().as_bytes());
        question.push(b',');
    }
    question.extend_from_slice(b"\"input\":[");
    for (index, text) in texts.into_iter().enumerate() {
        if index > 0 {
            question.push(b',');
        }
        question.push(b'"');
        question.extend_from_slice(body.get(text.inside).unwrap_or_default());
        question.push(b'"');
    }
    question.extend_from_slice(b"]}");
    Ok(Some(question))
}

/// Reads the answer. A text counts as flagged where it says so or has a category that is `true`.
///
/// # Errors
/// Another status than 200, or another body.
pub fn read(status: u16, body: &[u8]) -> Result<Judgement, NoJudgement> {
    #[derive(Deserialize)]
    struct Answer {
        results: Vec<Judged>,
    }
    #[derive(Deserialize)]
    struct Judged {
        flagged: Option<bool>,
        categories: Option<Map<String, Value>>,
    }
    if status != 200 {
        return Err(NoJudgement::Status(status));
    }
    // Readers of bytes would be compiled beside those of text that the gateway has already.
    let text = std::str::from_utf8(body)
        .map_err(|error| NoJudgement::NotAModeration(error.to_string()))?;
    let answer: Answer = serde_json::from_str(text)
        .map_err(|error| NoJudgement::NotAModeration(error.to_string()))?;
    let mut judgement = Judgement::default();
    for judged in answer.results {
        if judged.flagged.is_none() && judged.categories.is_none() {
            return Err(NoJudgement::NotAModeration("found neither".to_owned()));
        }
        judgement.flagged |= judged.flagged.unwrap_or(false);
        for (name, value) in judged.categories.unwrap_or_default() {
            if value == Value::Bool(true) {
                judgement.flagged = true;
                if !judgement.categories.contains(&name) {
                    judgement.categories.push(name);
                }
            }
        }
    }
    Ok(judgement)
}

impl Guardrails {
    /// Adds to `evaluation` what the moderation target of policy number `policy` said, see [`Guardrails::moderations`].
    pub fn judged(
        &self,
        evaluation: &mut Evaluation,
        policy: usize,
        judgement: &Result<Judgement, NoJudgement>,
    ) {
        let Some((rule, result)) = self
            .rules
            .get(policy)
            .zip(evaluation.results.get_mut(policy))
        else {
            return;
        };
        let Some((filter, moderation)) = rule
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
        let verdict = match judgement {
            Ok(judgement) => {
                let Some(hit) = filter.hit(judgement) else {
                    return;
                };
                match filter.action {
                    PolicyAction::Block => {
                        result.result = Outcome::Blocked;
                        block(hit)
                    }
                    // Lint refuses `redact` beside a moderation target.
                    PolicyAction::Flag | PolicyAction::Redact => {
                        result.result = Outcome::Flagged;
                        Verdict::Flag
                    }
                }
            }
            Err(_) => match moderation.on_error {
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

impl Filter {
    /// The categories of a judgement that this filter asked for; `None` where it is content with the request. A filter
    /// that names none that a moderation target knows takes the target's word.
    fn hit(&self, judgement: &Judgement) -> Option<Categories> {
        let mut found = Categories::default();
        for category in judgement.categories.iter().filter_map(|name| named(name)) {
            found.insert(category);
        }
        let asked = self
            .categories
            .iter()
            .any(ContentCategory::is_judged_by_moderation);
        if asked {
            let hit = found.intersection(self.categories);
            (!hit.is_empty()).then_some(hit)
        } else {
            judgement.flagged.then_some(found)
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
