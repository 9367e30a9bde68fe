#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn values_are_found_replaced_and_taken_in_the_order_of_their_indexes() {
    let mut open = ByIndex::default();
    for (index, value) in [(7, 'c'), (1, 'a'), (4, 'x'), (4, 'b')] {
        open.insert(index, value);
    }
    assert_eq!(open.len(), 3);
    assert_eq!((open.get(4), open.get(5)), (Some(&'b'), None));
    if let Some(value) = open.get_mut(7) {
        *value = 'd';
    }
    assert_eq!((open.remove(1), open.remove(1)), (Some('a'), None));
    assert_eq!(open.take().collect::<String>(), "bd");
    assert_eq!(open.len(), 0);
}
