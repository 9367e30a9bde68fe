//! `tool_choice` in the words of a provider.

use catalog::{Dialect, ForcedTools, NamedToolChoice, NoToolChoice, RequiredToolChoice};
use serde_json::Value;

use super::ids::RestoredNames;
use super::options::thinks;
use crate::formats::chat_completions::members::{Fate, Members, string};
use crate::json;

/// What belongs to tools, and goes with them.
const OF_TOOLS: &[&str] = &["tools", "tool_choice", "parallel_tool_calls"];

/// Decides what becomes of `tool_choice`, and of what goes with it.
pub(super) fn edit(dialect: &Dialect, members: &mut Members<'_>, names: &RestoredNames) {
    let Some(choice) = members.value("tool_choice") else {
        return;
    };
    let is_forbidden = match dialect.forced_tools {
        ForcedTools::Always => false,
        ForcedTools::NotThinking => thinks(dialect, members),
        ForcedTools::Never => true,
    };
    let fate = match choice {
        br#""none""# => match dialect.no_tool_choice {
            NoToolChoice::None => Fate::Keep,
            NoToolChoice::OmitTools => {
                OF_TOOLS
                    .iter()
                    .for_each(|name| members.set(name, &Fate::Remove));
                return;
            }
        },
        br#""required""# | br#""any""# if is_forbidden => word("auto"),
        br#""required""# => required(dialect, Fate::Keep),
        br#""any""# => required(dialect, word("required")),
        object => match named_function(object) {
            None => Fate::Keep,
            Some(_) if is_forbidden => word("auto"),
            Some(mut choice) => match dialect.named_tool_choice {
                NamedToolChoice::Function => renamed(dialect, &mut choice, names),
                NamedToolChoice::Required => required(dialect, word("required")),
                NamedToolChoice::Auto => word("auto"),
                NamedToolChoice::Omit => Fate::Remove,
            },
        },
    };
    members.set("tool_choice", &fate);
}

fn required(dialect: &Dialect, as_openai: Fate) -> Fate {
    match dialect.required_tool_choice {
        RequiredToolChoice::Required => as_openai,
        RequiredToolChoice::Any => word("any"),
        RequiredToolChoice::Auto => word("auto"),
        RequiredToolChoice::Omit => Fate::Remove,
    }
}

fn word(word: &str) -> Fate {
    Fate::Replace(string(word))
}

/// `{"type": "function", …}`
fn named_function(choice: &[u8]) -> Option<Value> {
    let choice: Value = json::parse(choice).ok()?;
    let is_function = choice.get("type").is_some_and(|kind| kind == "function");
    is_function.then_some(choice)
}

/// The choice under the name that was sent.
fn renamed(dialect: &Dialect, choice: &mut Value, names: &RestoredNames) -> Fate {
    if names.is_empty() {
        return Fate::Keep;
    }
    let Some(name) = choice.pointer_mut("/function/name") else {
        return Fate::Keep;
    };
    let sent = match name.as_str() {
        Some(name) => names.clone().sent(dialect, name).into_owned(),
        None => return Fate::Keep,
    };
    *name = Value::String(sent);
    Fate::Replace(json::written(choice))
}
