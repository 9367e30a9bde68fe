//! Stable sorting by a number: one sorting routine for all crates of the filter, because each costs the module some KB.

/// `items` by ascending rank; those of the same rank keep their order.
pub fn by_rank<T>(items: Vec<T>, rank: impl Fn(&T) -> u64) -> Vec<T> {
    let positions = positions(items.iter().map(rank).collect());
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    positions
        .into_iter()
        .filter_map(|position| items.get_mut(position)?.take())
        .collect()
}

/// Lower priorities first, then those without any.
pub(crate) fn rank_of_priority(priority: Option<u32>) -> u64 {
    priority.map_or(u64::MAX, u64::from)
}

/// Positions of the ranks in ascending order. No two pairs are equal, so an unstable sort keeps equal ranks in order.
fn positions(ranks: Vec<u64>) -> Vec<usize> {
    let mut pairs: Vec<(u64, usize)> = ranks.into_iter().zip(0..).collect();
    pairs.sort_unstable();
    pairs.into_iter().map(|(_, position)| position).collect()
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn equal_ranks_keep_their_order_and_missing_priorities_go_last() {
        let items = vec![
            ("a", None),
            ("b", Some(2)),
            ("c", Some(1)),
            ("d", None),
            ("e", Some(2)),
            ("f", Some(0)),
        ];
        let sorted = by_rank(items, |(_, priority)| rank_of_priority(*priority));
        let names: String = sorted.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, "fcbead");
    }
}
