//! The answer of a moderation target. Whatever does not say of every text whether it is unwanted is no answer: a policy
//! that blocks without one must not be opened by `{"results": []}`.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::named;
use crate::categories::Categories;

/// What a moderation target said of all texts together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModerationResult {
    /// Some text has unwanted content.
    pub flagged: bool,
    /// Which, in the target's own words.
    pub categories: Vec<String>,
    /// Of our categories, those that it judged in every text.
    pub(crate) judged: Categories,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModerationUnavailable {
    /// No answer came in time, or the target could not be reached.
    #[error("the moderation target did not answer")]
    NoAnswer,
    /// It answered with an error.
    #[error("expected status 200 of the moderation target, found {0}")]
    Status(u16),
    /// It answered something else.
    #[error("expected `results` with `flagged` and `categories` of the moderation target: {0}")]
    NotAModeration(String),
    /// Some texts were not judged.
    #[error("expected {expected} results of the moderation target, found {found}")]
    TooFewResults {
        /// One for each text.
        expected: usize,
        /// How many came.
        found: usize,
    },
}

/// Reads an answer of status `status` about `inputs` texts. A category counts where one text has it.
///
/// # Errors
/// Another status than 200, another body, fewer results than texts; a result that neither flags nor names a category.
pub fn read(
    status: u16,
    body: &[u8],
    inputs: usize,
) -> Result<ModerationResult, ModerationUnavailable> {
    #[derive(Deserialize)]
    struct Response {
        results: Vec<ResultOfText>,
        error: Option<Value>,
    }
    let no_moderation = |why: String| Err(ModerationUnavailable::NotAModeration(why));
    if status != 200 {
        return Err(ModerationUnavailable::Status(status));
    }
    // Readers of bytes would be compiled beside those of text that the gateway has already.
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        Err(error) => return no_moderation(error.to_string()),
    };
    let response: Response = match serde_json::from_str(text) {
        Ok(response) => response,
        Err(error) => return no_moderation(error.to_string()),
    };
    if response.error.is_some() {
        return no_moderation("found an error".to_owned());
    }
    let found = response.results.len();
    if found < inputs.max(1) {
        return Err(ModerationUnavailable::TooFewResults {
            expected: inputs.max(1),
            found,
        });
    }
    let mut all = ModerationResult {
        judged: Categories::of(&policy::CONTENT_CATEGORIES),
        ..ModerationResult::default()
    };
    for result in response.results {
        if let Err(why) = result.add_to(&mut all) {
            return no_moderation(why);
        }
    }
    Ok(all)
}

/// Of OpenAI with `flagged` and `categories`, of Mistral with these only.
#[derive(Deserialize)]
struct ResultOfText {
    flagged: Option<bool>,
    categories: Option<Map<String, Value>>,
}

impl ResultOfText {
    fn add_to(self, all: &mut ModerationResult) -> Result<(), String> {
        let mut judged = Categories::default();
        let mut names_one = false;
        all.flagged |= self.flagged == Some(true);
        for (name, value) in self.categories.unwrap_or_default() {
            match value {
                // OpenAI's older models know some categories only by name.
                Value::Null => continue,
                Value::Bool(false) => {}
                Value::Bool(true) => {
                    all.flagged = true;
                    if !all.categories.contains(&name) {
                        all.categories.push(name.clone());
                    }
                }
                other => return Err(format!("found {other} for a category")),
            }
            names_one = true;
            if let Some(category) = named(&name) {
                judged.insert(category);
            }
        }
        all.judged = all.judged.intersection(judged);
        if names_one || self.flagged == Some(true) {
            Ok(())
        } else {
            Err("found no category".to_owned())
        }
    }
}
