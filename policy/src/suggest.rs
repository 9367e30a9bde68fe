//! "Did you mean": the candidate that is a few keystrokes away.

/// Longer words are not compared: nobody mistypes them into each other, and the comparison is quadratic.
const LONGEST: usize = 64;

/// The candidate nearest to `word`, if it is near enough to be meant: one edit for every three characters.
///
/// Takes the characters and the pairs of characters that it compares from `budget`. When that is spent, candidates that
/// come later are not looked at.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: &mut dyn Iterator<Item = &'a str>,
    budget: &mut usize,
) -> Option<&'a str> {
    // A character takes four bytes at most.
    if word.len() > 4 * LONGEST {
        return None;
    }
    let folded = fold(word);
    let limit = folded.len().div_ceil(3);
    let mut nearest: Option<(usize, &str)> = None;
    while *budget > 0
        && let Some(candidate) = candidates.next()
    {
        // Characters are at most as many as bytes, and at least a fourth of them.
        let may_fit = candidate.len() >= folded.len().saturating_sub(limit)
            && candidate.len() <= 4 * folded.len().saturating_add(limit).min(LONGEST);
        *budget = budget.saturating_sub(1);
        if !may_fit {
            continue;
        }
        let other = fold(candidate);
        *budget = budget.saturating_sub(other.len());
        if folded.len().abs_diff(other.len()) > limit || folded.len().max(other.len()) > LONGEST {
            continue;
        }
        *budget = budget.saturating_sub(folded.len().saturating_mul(other.len()));
        let distance = distance(&folded, &other);
        if distance <= limit && nearest.is_none_or(|(least, _)| distance < least) {
            nearest = Some((distance, candidate));
        }
    }
    nearest.map(|(_, candidate)| candidate)
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
            let mut budget = usize::MAX;
            assert_eq!(
                nearest(word, &mut keys.into_iter(), &mut budget),
                expected,
                "{word}"
            );
        }
    }

    #[test]
    fn what_is_compared_is_paid_for_and_nothing_else_is_compared() {
        let names: Vec<String> = (0..1_000).map(|n| format!("group-{n:03}")).collect();
        let candidates = || names.iter().map(String::as_str);
        let mut budget = 1_000_000;
        assert_eq!(
            nearest("gruop-999", &mut candidates(), &mut budget),
            Some("group-999")
        );
        // 1,000 names of 9 characters, each compared with 9.
        assert_eq!(budget, 1_000_000 - 1_000 * (1 + 9 + 81));
        let mut little = 91 * 10;
        assert_eq!(
            nearest("group-9999", &mut candidates(), &mut little),
            Some("group-009")
        );
        assert_eq!(little, 0);
        assert_eq!(nearest("group-0000", &mut candidates(), &mut little), None);
        let mut budget = 10_000;
        let long = "x".repeat(1_000_000);
        assert_eq!(nearest(&long, &mut candidates(), &mut budget), None);
        let mut long = std::iter::repeat_n(long.as_str(), 1_000);
        assert_eq!(nearest("group-000", &mut long, &mut budget), None);
        assert_eq!(budget, 9_000);
    }
}
