//! What the catalogue knows against a model that a policy names.

use std::time::{SystemTime, UNIX_EPOCH};

use catalog::{ModelStatus, PathLayout, Provider, Retirement, nearest_model, successor};
use events::Timestamp;
use policy::ModelWarning;

/// Today in UTC, `2026-11-30`.
pub(crate) fn today() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    let mut text = Timestamp::from_millis(millis).to_string();
    text.truncate("2026-11-30".len());
    text
}

/// What speaks against `model` at `vendor` on the day `today`.
pub(crate) fn warning(vendor: Provider, model: &str, today: &str) -> Option<ModelWarning> {
    // Deployments bear any name.
    if vendor.profile().layout == PathLayout::Deployments {
        return None;
    }
    let title = vendor.profile().title;
    let next = || successor(vendor, model, today).or_else(|| nearest_model(vendor, model, today));
    let (message, instead) = match ModelStatus::find(vendor, model, today) {
        ModelStatus::Served | ModelStatus::Ending(_) => return None,
        ModelStatus::Retired(Retirement { date: "", .. }) => {
            (format!("{title} no longer serves it"), next())
        }
        ModelStatus::Retired(end) => (
            format!("{title} no longer serves it, since {}", end.date),
            next(),
        ),
        ModelStatus::Unlisted => (
            format!("{title} is not known to serve such a model"),
            nearest_model(vendor, model, today),
        ),
    };
    Some(ModelWarning {
        message,
        instead: instead.map(str::to_owned),
    })
}

/// The day on which `vendor` will cease to serve `model`, if that is announced, and what comes after it.
pub(crate) fn announced_end(
    vendor: Provider,
    model: &str,
    today: &str,
) -> Option<(&'static str, Option<&'static str>)> {
    match ModelStatus::find(vendor, model, today) {
        ModelStatus::Ending(end) => Some((end.date, successor(vendor, model, today))),
        ModelStatus::Served | ModelStatus::Retired(_) | ModelStatus::Unlisted => None,
    }
}

#[cfg(test)]
mod tests {
    use catalog::providers::{ANTHROPIC, AZURE_OPENAI, OPENAI, VLLM};

    use super::*;

    #[test]
    fn what_is_gone_or_unknown_is_said_with_what_comes_nearest() {
        for (vendor, model, expected) in [
            (
                OPENAI,
                "gpt-4",
                Some((
                    "OpenAI no longer serves it, since 2026-10-23",
                    Some("gpt-5.5"),
                )),
            ),
            (
                ANTHROPIC,
                "claude-sonnet-4-20250514",
                Some(("Anthropic no longer serves it", Some("claude-sonnet-5-5"))),
            ),
            (
                OPENAI,
                "gpt-4o-mni",
                Some((
                    "OpenAI is not known to serve such a model",
                    Some("gpt-4o-mini"),
                )),
            ),
            (OPENAI, "gpt-4o", None),
            (AZURE_OPENAI, "o1", None),
            (VLLM, "anything", None),
        ] {
            let found = warning(vendor, model, "2026-12-01");
            let found = found.as_ref();
            let found = found.map(|found| (found.message.as_str(), found.instead.as_deref()));
            assert_eq!(found, expected, "{model}");
        }
        assert_eq!(
            announced_end(OPENAI, "gpt-4o", "2026-12-01"),
            Some(("2027-01-14", Some("gpt-5.5")))
        );
        assert_eq!(announced_end(OPENAI, "gpt-5.5", "2026-12-01"), None);
    }

    #[test]
    fn a_day_is_written_as_the_catalogue_writes_it() {
        let today = today();
        assert_eq!(today.len(), 10);
        assert!(
            today.as_str() > "2025-01-01" && today.as_str() < "2200-01-01",
            "{today}"
        );
    }
}
