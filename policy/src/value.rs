//! Typed readings of a node. Each one that fails reports what it expected and what it found, and gives nothing.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::finding::Code;
use crate::lint::{Lint, Problem, Spanned};
use crate::yaml::{Node, Value};

/// Longest duration that any setting takes: a day. Longer ones are mistaken units.
const LONGEST_MS: f64 = 86_400_000.0;
/// Longest name of anything.
const LONGEST_NAME: usize = 256;

/// The unit that the name of a key promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Milliseconds,
    Seconds,
    /// The key does not say, so the value must.
    Unnamed,
}

/// "expected …, found …" at `node`.
pub(crate) fn mismatch(node: &Node, expected: &str) -> Problem {
    Problem::new(
        Code::E109,
        node.at,
        format!("expected {expected}, found {}", node.describe()),
    )
}

/// The place that is already known to hold a bad value.
fn refuse<T>(lint: &mut Lint, problem: Problem) -> Option<T> {
    lint.add(problem);
    None
}

/// Any scalar but null and booleans, as text: `1.0` is a fine version and `no` a fine tag.
pub(crate) fn string(node: &Node, lint: &mut Lint) -> Option<Spanned<String>> {
    match &node.value {
        Value::Scalar(scalar) if scalar.as_bool().is_some() => {
            let quoted = format!("put it in quotes: \"{}\"", scalar.text);
            refuse(lint, mismatch(node, "a string").suggest(quoted))
        }
        Value::Scalar(scalar) if !scalar.is_null() => Some(Spanned {
            value: scalar.text.to_string(),
            at: node.at,
        }),
        Value::Scalar(_) | Value::Sequence(_) | Value::Mapping(_) => {
            refuse(lint, mismatch(node, "a string"))
        }
    }
}

/// A string that can stand in a header, an event and a table: not empty, no spaces, no control characters.
pub(crate) fn name(node: &Node, lint: &mut Lint) -> Option<Spanned<String>> {
    let name = string(node, lint)?;
    let fits = !name.value.is_empty() && name.value.len() <= LONGEST_NAME;
    if fits
        && !name
            .value
            .chars()
            .any(|c| c.is_whitespace() || c.is_control())
    {
        return Some(name);
    }
    let expected = format!("a name of 1 to {LONGEST_NAME} characters without spaces");
    refuse(lint, mismatch(node, &expected))
}

/// A name that can also stand in the name of an Envoy cluster, a file or a metric.
pub(crate) fn identifier(node: &Node, lint: &mut Lint) -> Option<Spanned<String>> {
    let id = string(node, lint)?;
    let fits = !id.value.is_empty() && id.value.len() <= LONGEST_NAME;
    if fits
        && id
            .value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    {
        return Some(id);
    }
    let expected = format!("an id of 1 to {LONGEST_NAME} letters, digits, `-`, `_` or `.`");
    refuse(lint, mismatch(node, &expected))
}

pub(crate) fn boolean(node: &Node, lint: &mut Lint) -> Option<Spanned<bool>> {
    if let Value::Scalar(scalar) = &node.value {
        if let Some(value) = scalar.as_bool() {
            return Some(Spanned { value, at: node.at });
        }
        let meant = match scalar.text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "true" | "1" => Some("write `true`".to_owned()),
            "no" | "off" | "false" | "0" => Some("write `false`".to_owned()),
            _ => None,
        };
        return refuse(lint, mismatch(node, "true or false").suggest(meant));
    }
    refuse(lint, mismatch(node, "true or false"))
}

/// A whole number within `range`.
pub(crate) fn integer(
    node: &Node,
    range: RangeInclusive<u32>,
    lint: &mut Lint,
) -> Option<Spanned<u32>> {
    let range = u64::from(*range.start())..=u64::from(*range.end());
    let Spanned { value, at } = long_integer(node, range, lint)?;
    Some(Spanned {
        value: u32::try_from(value).ok()?,
        at,
    })
}

/// A whole number within `range`.
pub(crate) fn long_integer(
    node: &Node,
    range: RangeInclusive<u64>,
    lint: &mut Lint,
) -> Option<Spanned<u64>> {
    let expected = format!("a whole number from {} to {}", range.start(), range.end());
    let Value::Scalar(scalar) = &node.value else {
        return refuse(lint, mismatch(node, &expected));
    };
    let value = scalar
        .as_integer()
        .and_then(|number| u64::try_from(number).ok());
    match value.filter(|value| range.contains(value)) {
        Some(value) => Some(Spanned { value, at: node.at }),
        None => {
            let quoted = !scalar.plain && scalar.text.parse::<u64>().is_ok();
            refuse(
                lint,
                mismatch(node, &expected).suggest(quoted.then(|| "remove the quotes".to_owned())),
            )
        }
    }
}

/// A number within `range`.
pub(crate) fn number(
    node: &Node,
    range: RangeInclusive<f64>,
    lint: &mut Lint,
) -> Option<Spanned<f64>> {
    let value = match &node.value {
        Value::Scalar(scalar) => scalar.as_float(),
        Value::Sequence(_) | Value::Mapping(_) => None,
    };
    match value.filter(|value| range.contains(value)) {
        Some(value) => Some(Spanned { value, at: node.at }),
        None => {
            let expected = format!("a number from {} to {}", range.start(), range.end());
            refuse(lint, mismatch(node, &expected))
        }
    }
}

/// Milliseconds, from `60s`, `5m`, `1h`, `500ms` or a bare number in the unit that the key promises.
pub(crate) fn duration(node: &Node, unit: Unit, lint: &mut Lint) -> Option<Spanned<u64>> {
    let expected = match unit {
        Unit::Milliseconds => "a duration such as `500ms`, or a number of milliseconds",
        Unit::Seconds => "a duration such as `30s`, or a number of seconds",
        Unit::Unnamed => "a duration such as `500ms`, `60s`, `5m` or `1h`",
    };
    let Value::Scalar(scalar) = &node.value else {
        return refuse(lint, mismatch(node, expected));
    };
    let milliseconds = match (scalar.as_float(), unit) {
        (Some(number), Unit::Milliseconds) => Some(number),
        (Some(number), Unit::Seconds) => Some(number * 1_000.0),
        (Some(_), Unit::Unnamed) => {
            let with_unit = format!("give the unit, such as `{}s`", scalar.text);
            return refuse(lint, mismatch(node, expected).suggest(with_unit));
        }
        (None, _) => with_unit(&scalar.text),
    };
    match milliseconds {
        Some(value) if (1.0..=LONGEST_MS).contains(&value) => Some(Spanned {
            value: value.round() as u64,
            at: node.at,
        }),
        Some(_) => refuse(lint, mismatch(node, "a duration from 1ms to 24h")),
        None => {
            let quoted = !scalar.plain && scalar.text.parse::<u64>().is_ok();
            refuse(
                lint,
                mismatch(node, expected).suggest(quoted.then(|| "remove the quotes".to_owned())),
            )
        }
    }
}

/// Milliseconds of `1.5s` and the like.
fn with_unit(text: &str) -> Option<f64> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (digits, unit) = text.split_at_checked(split)?;
    let factor = match unit {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        _ => return None,
    };
    let number = digits.trim_end();
    if !number.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return None;
    }
    number.parse::<f64>().ok().map(|number| number * factor)
}

/// The items of a list.
pub(crate) fn sequence<'n>(node: &'n Node, of: &str, lint: &mut Lint) -> Option<&'n [Node]> {
    match &node.value {
        Value::Sequence(items) => Some(items.as_ref()),
        Value::Scalar(_) | Value::Mapping(_) => {
            refuse(lint, mismatch(node, &format!("a list of {of}")))
        }
    }
}

/// A list of strings that are not empty. A single string is not a list.
pub(crate) fn strings(
    node: &Node,
    of: &str,
    lint: &mut Lint,
) -> Option<Spanned<Vec<Spanned<String>>>> {
    let items = sequence(node, of, lint)?;
    let value = items
        .iter()
        .filter_map(|item| {
            let text = string(item, lint)?;
            if text.value.trim().is_empty() {
                return refuse(lint, mismatch(item, "a string that is not empty"));
            }
            Some(text)
        })
        .collect();
    Some(Spanned { value, at: node.at })
}

/// A mapping from name to name.
pub(crate) fn name_map(node: &Node, lint: &mut Lint) -> Option<Spanned<BTreeMap<String, String>>> {
    let Value::Mapping(entries) = &node.value else {
        return refuse(
            lint,
            mismatch(
                node,
                "a mapping from the client's model name to the target's",
            ),
        );
    };
    // `collect` would bring a sorting routine along.
    let mut value = BTreeMap::new();
    for entry in entries.iter() {
        if let Some(name) = name(&entry.value, lint) {
            value.insert(entry.key.to_string(), name.value);
        }
    }
    Some(Spanned { value, at: node.at })
}

/// One of a few words; `-` and `_` are the same.
pub(crate) fn choice<T: Copy>(
    node: &Node,
    choices: &[(&str, T)],
    lint: &mut Lint,
) -> Option<Spanned<T>> {
    let Spanned { value, at } = string(node, lint)?;
    let folded = value.trim().to_ascii_lowercase().replace('-', "_");
    if let Some((_, chosen)) = choices.iter().find(|(name, _)| *name == folded) {
        return Some(Spanned { value: *chosen, at });
    }
    let suggestion = lint.did_you_mean(&folded, &mut choices.iter().map(|(name, _)| *name));
    let names: Vec<String> = choices
        .iter()
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    refuse(
        lint,
        mismatch(node, &names.join(" or ")).suggest(suggestion),
    )
}
