//! From the document's own words to the model: defaults filled in, names turned into indices, contradictions found.
//!
//! Every step goes on after an error with a value that does no harm, so that all findings of a document are reported
//! at once; the policy that results is thrown away then.

mod content_policies;
mod credential;
mod failover;
mod groups;
mod health;
mod mapping;
mod models;
mod place;
mod strategy;
mod targets;
mod telemetry;

use std::collections::BTreeMap;

use crate::draft::Draft;
use crate::finding::Code;
use crate::lint::Lint;
use crate::load::LoadOptions;
use crate::model::{GatewaySettings, Policy, Target, TargetId};
use crate::yaml::{At, shorten};

/// What all steps look things up in.
struct Context<'a> {
    options: &'a LoadOptions<'a>,
    draft: &'a Draft,
    /// Targets by id, the first one where an id is given twice.
    target_ids: BTreeMap<&'a str, TargetId>,
    /// The document itself.
    root: At,
}

/// Resolves a document whose root is at `root`.
pub(crate) fn resolve(
    draft: &Draft,
    root: At,
    options: &LoadOptions<'_>,
    lint: &mut Lint,
) -> Policy {
    let mut context = Context {
        options,
        draft,
        target_ids: BTreeMap::new(),
        root,
    };
    context.target_ids = targets::ids(&context, lint);
    let targets = targets::resolve(&context, lint);
    let groups = groups::resolve(&context, &targets, lint);
    let default_strategy = failover::default_strategy(&context, &targets, lint);
    let failover = failover::resolve(draft);
    mapping::check(&context, &targets, &groups, &failover, lint);
    models::check(&context, &targets, lint);
    Policy {
        name: draft
            .pack
            .name
            .get()
            .cloned()
            .unwrap_or_else(|| "policy-config".to_owned()),
        version: draft
            .pack
            .version
            .get()
            .or(draft.version.get())
            .cloned()
            .unwrap_or_default(),
        default_order: failover::default_order(&targets),
        default_strategy,
        failover,
        content_policies: content_policies::resolve(&context, lint),
        gateway: gateway(draft),
        telemetry: telemetry::resolve(&context, lint),
        targets,
        groups,
    }
}

impl Context<'_> {
    /// The price of `model` at `target` is known without the document.
    fn knows_price(&self, target: &Target, model: Option<&str>) -> bool {
        let Some((known, model)) = self.options.known_price.zip(model) else {
            return false;
        };
        known(target.vendor, model)
    }

    /// The target called `id`, or an E101 at `at`.
    fn target(&self, id: &str, at: At, lint: &mut Lint) -> Option<TargetId> {
        let found = self.target_ids.get(id).copied();
        if found.is_none() {
            let suggestion = lint.did_you_mean(id, &mut self.target_ids.keys().copied());
            let message = format!(
                "Unknown provider in model group: no target has the id `{}`",
                shorten(id)
            );
            let known = || format!("known are {}", list(self.target_ids.keys().copied()));
            let problem = crate::lint::Problem::new(Code::E101, at, message);
            lint.add(problem.suggest(suggestion.unwrap_or_else(known)));
        }
        found
    }
}

/// The first few of `names`, for messages.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let mut names = names.peekable();
    if names.peek().is_none() {
        return "none".to_owned();
    }
    let shown: Vec<&str> = names.by_ref().take(SHOWN).collect();
    let more = if names.peek().is_some() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn gateway(draft: &Draft) -> GatewaySettings {
    let default = GatewaySettings::default();
    GatewaySettings {
        max_request_bytes: draft
            .max_request_bytes
            .copied()
            .unwrap_or(default.max_request_bytes),
        log_bodies: draft.log_bodies.copied().unwrap_or(default.log_bodies),
        commit_after_ms: draft
            .commit_after_ms
            .copied()
            .unwrap_or(default.commit_after_ms),
        unpriced: draft.unpriced.copied().unwrap_or(default.unpriced),
    }
}
