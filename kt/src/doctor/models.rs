//! Are a target's models those that its provider lists, and for how long?

use std::time::Duration;

use events::Timestamp;
use policy::{Policy, Target};
use serde_json::Value;

use super::report::Finding;
use crate::model_check;

/// Ends that are nearer than this are worth a word.
const SOON: Duration = Duration::from_secs(60 * 86_400);

/// Ids of a list of models in OpenAI's or Anthropic's shape. Empty where it is none, or has further pages.
pub(super) fn listed(body: &[u8]) -> Vec<String> {
    let list: Value = serde_json::from_slice(body).unwrap_or_default();
    if list["has_more"] == Value::Bool(true) {
        return Vec::new();
    }
    let models = list["data"].as_array().into_iter().flatten();
    models
        .filter_map(|model| Some(model["id"].as_str()?.to_owned()))
        .collect()
}

/// What is to be said of the models that `policy` sends to `target`, where its provider lists `listed`.
pub(super) fn finding(policy: &Policy, target: &Target, listed: &[String]) -> Option<Finding> {
    let today = model_check::today();
    let mut remarks = Vec::new();
    for model in models_of(policy, target) {
        if !listed.is_empty() && !is_listed(model, listed) {
            let nearest = nearest(model, listed).map(|name| format!(", which has `{name}`"));
            remarks.push(format!(
                "`{model}` is not in the provider's list{}",
                nearest.unwrap_or_default()
            ));
        } else if let Some((day, next)) = model_check::announced_end(target.vendor, model, &today)
            && is_soon(&today, day)
        {
            let next = next.map(|name| format!(": `{name}` comes after it"));
            remarks.push(format!(
                "`{model}` ends on {day}{}",
                next.unwrap_or_default()
            ));
        }
    }
    (!remarks.is_empty())
        .then(|| Finding::warning(format!("models of {}", target.id), remarks.join("; ")))
}

/// The names that the document gives for models at `target`, each once.
fn models_of<'a>(policy: &'a Policy, target: &'a Target) -> Vec<&'a str> {
    let members = policy.groups.iter().flat_map(|group| &group.members);
    let of_target = members.filter(|member| {
        policy
            .target(member.target)
            .is_some_and(|found| found.id == target.id)
    });
    let mut models: Vec<&str> = of_target
        .filter_map(|member| member.model.as_deref())
        .chain(target.model.as_deref())
        .collect();
    models.sort_unstable();
    models.dedup();
    models
}

/// Lists name a model with its date, version or place behind it, or by a tag that stands for the newest one.
fn is_listed(model: &str, listed: &[String]) -> bool {
    listed.iter().any(|known| {
        let known = known.strip_prefix("models/").unwrap_or(known);
        known.strip_prefix(model).is_some_and(is_version)
            || model
                .strip_suffix("-latest")
                .is_some_and(|model| known.strip_prefix(model).is_some_and(is_version))
    })
}

/// What may stand behind a model's name without making it another model: ``, `-2024-08-06`, `-20250514-v1:0`, `:latest`.
fn is_version(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix('-') else {
        return rest.is_empty() || rest.starts_with([':', '@']);
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    digits >= 3 || rest == "latest" || rest == "preview"
}

fn nearest<'a>(model: &str, listed: &'a [String]) -> Option<&'a str> {
    let shared = |name: &str| {
        let pairs = name.bytes().zip(model.bytes());
        pairs.take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count()
    };
    let near = listed.iter().map(String::as_str);
    near.filter(|name| shared(name) >= 3)
        .max_by_key(|name| (shared(name), std::cmp::Reverse(name.len())))
}

/// `day` is at most [`SOON`] after `today`, both as `2026-11-30`.
fn is_soon(today: &str, day: &str) -> bool {
    let at = |day: &str| Timestamp::parse(&format!("{day}T00:00:00Z")).map(Timestamp::millis);
    match (at(today), at(day)) {
        (Some(today), Some(day)) => Duration::from_millis(day.saturating_sub(today)) <= SOON,
        (_, None) | (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_names_found_in_them() {
        let list = listed(
            br#"{"data": [{"id": "gpt-4o-2024-08-06"}, {"id": "models/gemini-3.5-flash"}]}"#,
        );
        for (model, found) in [
            ("gpt-4o", true),
            ("gpt-4o-2024-08-06", true),
            ("gpt-4o-latest", true),
            ("gemini-3.5-flash", true),
            ("gpt-4", false),
            ("gemini-3.5", false),
        ] {
            assert_eq!(is_listed(model, &list), found, "{model}");
        }
        assert_eq!(nearest("gpt-4.1", &list), Some("gpt-4o-2024-08-06"));
        assert_eq!(nearest("mistral", &list), None);
        assert!(listed(b"<html>").is_empty());
        assert!(listed(br#"{"data": [{"id": "a"}], "has_more": true}"#).is_empty());
    }

    #[test]
    fn an_end_is_soon_by_the_calendar() {
        for (today, day, soon) in [
            ("2026-12-01", "2026-12-11", true),
            ("2026-12-01", "2027-01-14", true),
            ("2026-12-01", "2027-04-01", false),
        ] {
            assert_eq!(is_soon(today, day), soon, "{day}");
        }
    }
}
