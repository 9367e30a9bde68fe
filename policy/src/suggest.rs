//! "Did you mean": the candidate that is a few keystrokes away.

/// Longer words are not compared: nobody mistypes them into each other, and the comparison is quadratic.
const LONGEST: usize = 64;

/// The candidate nearest to `word`, if it is near enough to be meant: one edit for every three characters.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: &mut dyn Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let folded = fold(word);
    let limit = folded.len().div_ceil(3);
    candidates
        .filter_map(|candidate| {
            let other = fold(candidate);
            if folded.len().abs_diff(other.len()) > limit || folded.len().max(other.len()) > LONGEST
            {
                return None;
            }
            Some((distance(&folded, &other), candidate))
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Case and the choice between `-` and `_` do not count.
fn fold(word: &str) -> Vec<char> {
    word.chars()
        .map(|c| {
            if c == '-' {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut a_previous = None;
    for (row, &from) in a.iter().enumerate() {
        let mut current = vec![row.saturating_add(1)];
        let mut b_previous = None;
        for (column, &to) in b.iter().enumerate() {
            let at =
                |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX);
            let substituted = at(&last, column).saturating_add(usize::from(from != to));
            let deleted = at(&last, column.saturating_add(1)).saturating_add(1);
            let inserted = at(&current, column).saturating_add(1);
            let mut best = substituted.min(deleted).min(inserted);
            if a_previous == Some(to) && b_previous == Some(from) {
                best = best.min(at(&before_last, column.wrapping_sub(1)).saturating_add(1));
            }
            current.push(best);
            b_previous = Some(to);
        }
        before_last = std::mem::replace(&mut last, current);
        a_previous = Some(from);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("ab", "ba", 1),
            ("ca", "abc", 3),
        ] {
            assert_eq!(distance(&fold(a), &fold(b)), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_what_is_near_is_suggested() {
        let keys = ["timeout_ms", "weight", "priority", "base_url"];
        for (word, expected) in [
            ("timeout-ms", Some("timeout_ms")),
            ("wieght", Some("weight")),
            ("prioritty", Some("priority")),
            ("baseUrl", Some("base_url")),
            ("x", None),
            ("temperature", None),
        ] {
            assert_eq!(nearest(word, &mut keys.into_iter()), expected, "{word}");
        }
    }
}
