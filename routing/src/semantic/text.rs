//! Features of a text: words, pieces of words, pairs of words, and subjects.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use super::lexicon::{STOP_WORDS, SUBJECTS};
use crate::hash;

/// Hash of a feature and its kind. Collisions are rare and harmless.
pub(super) type Feature = u32;

/// Weight of each kind of feature.
const WORD: f32 = 1.0;
const STOP_WORD: f32 = 0.1;
const SUBJECT: f32 = 1.6;
const PAIR: f32 = 0.6;
/// Total weight of all pieces of a word.
const PIECES: f32 = 0.5;
/// Longest text considered, in characters: topics appear early, and requests may be megabytes.
const MAX_WORD_CHARS: usize = 2_000;

static LEXICON: LazyLock<HashMap<String, Vec<u32>>> = LazyLock::new(|| {
    let mut lexicon: HashMap<String, Vec<u32>> = HashMap::new();
    for (subject, words) in (0_u32..).zip(SUBJECTS) {
        for word in words.split(' ') {
            let subjects = lexicon.entry(stem(word).to_owned()).or_default();
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
    }
    lexicon
});

/// Features and their weights, sorted by feature, so that sums are reproducible.
pub(super) type Vector = Vec<(Feature, f32)>;

/// Features of `text` with their weights; repetitions are damped.
pub(super) fn features(text: &str) -> Vector {
    let mut counts: BTreeMap<Feature, f32> = BTreeMap::new();
    let mut last: Option<String> = None;
    for word in words(text) {
        let stop = STOP_WORDS.binary_search(&word.as_str()).is_ok();
        let stem = stem(&word);
        add(&mut counts, "w", stem, if stop { STOP_WORD } else { WORD });
        if let Some(last) = &last
            && !stop
        {
            add(&mut counts, "p", &format!("{last} {stem}"), PAIR);
        }
        if !stop {
            add_subjects(&mut counts, stem);
            add_pieces(&mut counts, &word);
        }
        last = (!stop).then(|| stem.to_owned());
    }
    for weight in counts.values_mut() {
        // A word used five times is not five times the topic.
        if *weight > 1.0 {
            *weight = 1.0 + weight.ln();
        }
    }
    counts.into_iter().collect()
}

fn add(counts: &mut BTreeMap<Feature, f32>, kind: &str, text: &str, weight: f32) {
    let feature = hash::of_parts(&[kind.as_bytes(), text.as_bytes()]) as Feature;
    *counts.entry(feature).or_default() += weight;
}

/// A word of several subjects counts less for each.
fn add_subjects(counts: &mut BTreeMap<Feature, f32>, stem: &str) {
    if let Some(subjects) = LEXICON.get(stem) {
        let weight = SUBJECT / (subjects.len() as f32).sqrt();
        for subject in subjects {
            let feature = hash::of_parts(&[b"s", &subject.to_le_bytes()]) as Feature;
            *counts.entry(feature).or_default() += weight;
        }
    }
}

/// Three letters at a time, so that `translating` matches `translation` and typing errors do little harm.
fn add_pieces(counts: &mut BTreeMap<Feature, f32>, word: &str) {
    let letters: Vec<char> = word.chars().collect();
    if letters.len() < 4 {
        return;
    }
    let pieces = letters.windows(3);
    let weight = PIECES / (pieces.len() as f32).sqrt();
    for piece in pieces {
        let piece: String = piece.iter().collect();
        add(counts, "c", &piece, weight);
    }
}

/// Lower-case words; each ideograph or kana is a word of its own.
fn words(text: &str) -> impl Iterator<Item = String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for character in text.chars().take(MAX_WORD_CHARS) {
        let alone = matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}');
        if (alone || !character.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if alone {
            words.push(character.to_string());
        } else if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words.into_iter()
}

/// Strips the most common English endings; wrong for some words, but consistent.
fn stem(word: &str) -> &str {
    if !word.is_ascii() {
        return word;
    }
    for (ending, shortest) in [
        ("ions", 4),
        ("ion", 4),
        ("ings", 4),
        ("ing", 4),
        ("ies", 3),
        ("ied", 3),
        ("ed", 4),
        ("es", 4),
        ("s", 3),
        ("ly", 4),
        ("e", 4),
        ("y", 3),
    ] {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.len() >= shortest
            && !stem.ends_with('s')
        {
            return stem;
        }
    }
    word
}

#[cfg(test)]
mod tests;
