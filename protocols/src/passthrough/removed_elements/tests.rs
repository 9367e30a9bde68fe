#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::body_edit::applied;

#[test]
fn what_remains_is_the_array_without_them() {
    for (array, remains) in [
        ("[1, 2, 3]", "[1, 2, 3]"),
        ("[0, 1, 2]", "[1, 2]"),
        ("[1, 0, 2]", "[1, 2]"),
        ("[1, 2 , 0 ]", "[1, 2 ]"),
        ("[1,0 , 0]", "[1]"),
        ("[ 0,0, 1,0,2,0,0]", "[ 1,2]"),
        ("[ 0 , 0 ]", "[  ]"),
        ("[]", "[]"),
        ("7", "7"),
    ] {
        let mut scanner = Scanner::new(array.as_bytes()).unwrap();
        let elements = Elements::read(&mut scanner, |scanner| {
            let span = scanner.value()?;
            let removed = &array[span.clone()] == "0";
            Ok((span, removed))
        })
        .unwrap();
        let removals: Vec<Splice> = elements.removals().collect();
        let left = String::from_utf8(applied(array.as_bytes(), &removals)).unwrap();
        assert_eq!(left, remains, "{array}");
        assert_eq!(elements.are_all_removed(), array == "[ 0 , 0 ]", "{array}");
    }
}
