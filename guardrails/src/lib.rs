//! Content policies: finds what a policy names in the texts of a request, and says what is to be done about it.
//!
//! Bytes in, findings out: this crate asks nobody and keeps nothing. Where a policy wants a moderation target to judge as
//! well, [`moderation`] writes the question and reads the answer; who carries them is not its business.
#![forbid(unsafe_code)]

mod categories;
mod detector;
mod escapes;
mod evaluation;
mod layers;
mod lookalikes;
pub mod moderation;
mod normalize;
mod patterns;
mod redaction;
mod search;
mod source_map;
mod structure;

use policy::{ContentPolicy, ContentPolicyKind, Moderation, PolicyAction};
use protocols::RequestError;
use protocols::texts::{self, TextKind};

use categories::Categories;
pub use evaluation::{Evaluation, Outcome, PolicyResult, Verdict};
pub use patterns::InvalidLists;
use patterns::Patterns;
use redaction::Redaction;
pub use redaction::{Splice, apply};
use search::Search;

/// Fewest bytes of a number that can be unwanted: all digits of a payment card.
const MIN_NUMBER_BYTES: usize = 13;

/// The content policies of a document, ready to run.
pub struct Guardrails {
    rules: Vec<Rule>,
    /// `None` where no policy looks for anything itself.
    patterns: Option<Patterns>,
    wanted: Categories,
    /// What has to be replaced.
    located: Categories,
}

impl std::fmt::Debug for Guardrails {
    /// Their names: the compiled word lists say nothing to people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.rules.iter().map(|rule| &rule.name))
            .finish()
    }
}

/// One policy.
struct Rule {
    name: String,
    /// `None` takes note only.
    filter: Option<Filter>,
}

struct Filter {
    categories: Categories,
    action: PolicyAction,
    moderation: Option<Moderation>,
}

impl Guardrails {
    /// Compiles `policies`, which run in their order.
    ///
    /// # Errors
    /// The word lists of this crate cannot be compiled, which no policy can cause.
    pub fn new(policies: &[ContentPolicy]) -> Result<Self, InvalidLists> {
        let rules: Vec<Rule> = policies.iter().map(Rule::of).collect();
        let union = |of: &dyn Fn(&Filter) -> bool| {
            let filters = rules.iter().filter_map(|rule| rule.filter.as_ref());
            filters
                .filter(|filter| of(filter))
                .fold(Categories::default(), |all, filter| {
                    all.union(filter.categories)
                })
        };
        let wanted = union(&|_| true);
        let located = union(&|filter| filter.action == PolicyAction::Redact);
        Ok(Self {
            patterns: if wanted.is_empty() {
                None
            } else {
                Some(Patterns::new(wanted)?)
            },
            wanted,
            located,
            rules,
        })
    }

    /// Judges what a client sent.
    ///
    /// # Errors
    /// `body` is not JSON.
    pub fn evaluate(&self, body: &[u8]) -> Result<Evaluation, RequestError> {
        let Some(patterns) = &self.patterns else {
            return Ok(self.conclude(Categories::default(), Redaction::default()));
        };
        let mut search = Search::new(patterns, self.wanted, self.located);
        let mut redaction = Redaction::default();
        texts::scan(body, |text| {
            let is_short = text.kind == TextKind::Number && text.inside.len() < MIN_NUMBER_BYTES;
            if is_short || search.is_over() {
                return;
            }
            let inside = body.get(text.inside.clone()).unwrap_or_default();
            // The scan made sure of it.
            let inside = std::str::from_utf8(inside).unwrap_or_default();
            let findings = search.find(inside);
            if !findings.is_empty() {
                redaction.add(&mut search, &text, inside, findings);
            }
        })?;
        Ok(self.conclude(search.found(), redaction))
    }

    /// The policies that ask a moderation target too, by their place in [`Evaluation::results`].
    pub fn moderations(&self) -> impl Iterator<Item = (usize, &Moderation)> {
        self.rules.iter().enumerate().filter_map(|(index, rule)| {
            let moderation = rule.filter.as_ref()?.moderation.as_ref()?;
            Some((index, moderation))
        })
    }

    fn conclude(&self, found: Categories, redaction: Redaction) -> Evaluation {
        let mut results = Vec::with_capacity(self.rules.len());
        let mut block = None;
        let mut flag = false;
        for rule in &self.rules {
            let result = match &rule.filter {
                None => Outcome::Recorded,
                Some(filter) => {
                    let hit = filter.categories.intersection(found);
                    match filter.action {
                        _ if hit.is_empty() => Outcome::Passed,
                        PolicyAction::Flag => {
                            flag = true;
                            Outcome::Flagged
                        }
                        PolicyAction::Redact if hit.intersection(redaction.stubborn).is_empty() => {
                            Outcome::Redacted
                        }
                        // What was to be removed must not go on.
                        PolicyAction::Redact | PolicyAction::Block => {
                            block.get_or_insert_with(|| Verdict::Block {
                                policy: rule.name.clone(),
                                categories: hit.iter().collect(),
                            });
                            Outcome::Blocked
                        }
                    }
                }
            };
            results.push(PolicyResult {
                name: rule.name.clone(),
                result,
            });
        }
        let verdict = match block {
            Some(block) => block,
            None if !redaction.splices.is_empty() => Verdict::Redact(redaction.ordered()),
            None if flag => Verdict::Flag,
            None => Verdict::Allow,
        };
        Evaluation { results, verdict }
    }
}

impl Rule {
    fn of(policy: &ContentPolicy) -> Self {
        let filter = match &policy.kind {
            ContentPolicyKind::AuditLogger { .. } => None,
            ContentPolicyKind::ContentFilter {
                categories,
                action,
                moderation,
            } => Some(Filter {
                categories: Categories::of(categories),
                action: *action,
                moderation: moderation.clone(),
            }),
        };
        Self {
            name: policy.name.clone(),
            filter,
        }
    }
}
