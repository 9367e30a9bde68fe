//! What the server behind a target takes: `quirks` and `endpoints`, in the words of the catalogue.

use catalog::{DialectPatch, Endpoint, Endpoints, InvalidQuirk, QuirkValue, Word};

use crate::draft::TargetDraft;
use crate::finding::Code;
use crate::lint::{Lint, Problem, Spanned};
use crate::value;
use crate::yaml::{Entry, Node, Scalar, Value, shorten};

pub(super) fn read_quirks(target: &mut TargetDraft, node: &Node, lint: &mut Lint) {
    let Value::Mapping(entries) = &node.value else {
        lint.add(value::mismatch(node, "a `quirks` mapping"));
        return;
    };
    let mut patch = DialectPatch::NONE;
    for entry in entries.iter() {
        read_quirk(&mut patch, entry, lint);
    }
    target.quirks.put(Some(Spanned {
        value: patch,
        at: node.at,
    }));
}

fn read_quirk(patch: &mut DialectPatch, entry: &Entry, lint: &mut Lint) {
    let node = &entry.value;
    let words: Vec<&str>;
    let value = match &node.value {
        Value::Scalar(scalar) => of_scalar(scalar),
        Value::Sequence(items) => {
            words = items.iter().filter_map(text).collect();
            if words.len() < items.len() {
                lint.add(value::mismatch(node, "a list of words"));
                return;
            }
            QuirkValue::List(&words)
        }
        Value::Mapping(_) => {
            lint.add(value::mismatch(node, "a word, a number or a list of words"));
            return;
        }
    };
    let key = &*entry.key;
    let problem = match patch.set(key, value) {
        Ok(()) => return,
        Err(InvalidQuirk::UnknownKey) => {
            let message = format!("unknown key `{}` in `quirks`", shorten(key));
            let suggestion = lint.did_you_mean(key, &mut DialectPatch::keys());
            Problem::new(Code::E002, entry.key_at, message).suggest(suggestion)
        }
        Err(InvalidQuirk::ExpectedBool) => value::mismatch(node, "`true` or `false`"),
        Err(InvalidQuirk::ExpectedNumber(most)) => {
            value::mismatch(node, &format!("a whole number from 0 to {most}"))
        }
        Err(InvalidQuirk::ExpectedList) => value::mismatch(node, "a list of words"),
        Err(InvalidQuirk::ExpectedWord) => value::mismatch(node, &one_of(key)),
        Err(InvalidQuirk::UnknownWord(word)) => {
            let mut known = Vec::new();
            DialectPatch::words_of(key, &mut |word| known.push(word));
            let suggestion = lint.did_you_mean(word, &mut known.into_iter());
            value::mismatch(node, &one_of(key)).suggest(suggestion)
        }
    };
    lint.add(problem);
}

fn of_scalar(scalar: &Scalar) -> QuirkValue<'_> {
    let number = scalar.as_integer().map(u64::try_from);
    match (scalar.as_bool(), number) {
        (Some(value), _) => QuirkValue::Bool(value),
        (None, Some(Ok(number))) => QuirkValue::Number(number),
        (None, Some(Err(_)) | None) => QuirkValue::Word(&scalar.text),
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar(scalar) if !scalar.is_null() => Some(&scalar.text),
        Value::Scalar(_) | Value::Sequence(_) | Value::Mapping(_) => None,
    }
}

/// The words that `key` takes, as many as a reader can look over.
fn one_of(key: &str) -> String {
    const MOST_WORDS: usize = 10;
    let mut words = Vec::new();
    DialectPatch::words_of(key, &mut |word| words.push(format!("`{word}`")));
    if words.len() > MOST_WORDS {
        return "names of fields that the catalogue knows".to_owned();
    }
    words.join(" or ")
}

pub(super) fn read_endpoints(target: &mut TargetDraft, node: &Node, lint: &mut Lint) {
    let choices: Vec<(&str, Endpoint)> = Endpoint::ALL
        .iter()
        .map(|endpoint| (endpoint.name(), *endpoint))
        .collect();
    let items = value::sequence(node, "endpoints", lint).unwrap_or_default();
    let endpoints = items.iter().fold(Endpoints::NONE, |endpoints, item| {
        match value::choice(item, &choices, lint) {
            Some(endpoint) => endpoints.with(endpoint.value),
            None => endpoints,
        }
    });
    target.endpoints.put(Some(Spanned {
        value: endpoints,
        at: node.at,
    }));
}
