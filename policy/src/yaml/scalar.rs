//! A scalar as written, and what it means as a null, boolean or number by YAML 1.2's core schema.

use std::rc::Rc;

/// Text and whether it stood without quotes: only plain scalars can be anything but strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub(crate) text: Rc<str>,
    pub(crate) plain: bool,
}

impl Scalar {
    pub(crate) fn is_null(&self) -> bool {
        self.plain && matches!(&*self.text, "" | "~" | "null" | "Null" | "NULL")
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match &*self.text {
            _ if !self.plain => None,
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    /// Decimal, `0o` or `0x`; also a float without a fraction, because JSON made from a protobuf `Struct` knows no integers.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        if !self.plain {
            return None;
        }
        if let Some(octal) = self.text.strip_prefix("0o") {
            return unsigned_digits(octal)
                .then(|| i64::from_str_radix(octal, 8).ok())
                .flatten();
        }
        if let Some(hexadecimal) = self.text.strip_prefix("0x") {
            return unsigned_digits(hexadecimal)
                .then(|| i64::from_str_radix(hexadecimal, 16).ok())
                .flatten();
        }
        self.text.parse::<i64>().ok().or_else(|| {
            /// Above it not every integer has a float of its own.
            const EXACT: f64 = 9_007_199_254_740_992.0;
            let float = self.as_float()?;
            (float.fract() == 0.0 && float.abs() <= EXACT).then_some(float as i64)
        })
    }

    /// Finite numbers only: no setting has a use for infinity.
    pub(crate) fn as_float(&self) -> Option<f64> {
        let numeric = self
            .text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E'));
        if !self.plain || !numeric {
            return None;
        }
        self.text
            .parse::<f64>()
            .ok()
            .filter(|float| float.is_finite())
    }
}

fn unsigned_digits(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn plain(text: &str) -> Scalar {
        Scalar {
            text: text.into(),
            plain: true,
        }
    }

    #[test]
    fn booleans_are_those_of_yaml_1_2() {
        for (text, value) in [
            ("true", Some(true)),
            ("FALSE", Some(false)),
            ("yes", None),
            ("on", None),
            ("1", None),
        ] {
            assert_eq!(plain(text).as_bool(), value, "{text}");
        }
        assert_eq!(
            Scalar {
                text: "true".into(),
                plain: false
            }
            .as_bool(),
            None
        );
    }

    #[test]
    fn numbers() {
        for (text, integer, float) in [
            ("70", Some(70), Some(70.0)),
            ("-1", Some(-1), Some(-1.0)),
            ("+5", Some(5), Some(5.0)),
            ("70.0", Some(70), Some(70.0)),
            ("33.5", None, Some(33.5)),
            ("1e3", Some(1000), Some(1000.0)),
            ("0x1F", Some(31), None),
            ("0o17", Some(15), None),
            ("0x-1", None, None),
            ("0x+1", None, None),
            ("1_000", None, None),
            ("1.0.0", None, None),
            (".inf", None, None),
            ("inf", None, None),
            ("nan", None, None),
            ("1e999", None, None),
            (
                "9223372036854775808",
                None,
                Some(9_223_372_036_854_775_808.0),
            ),
            ("", None, None),
            ("-", None, None),
        ] {
            assert_eq!(plain(text).as_integer(), integer, "{text}");
            assert_eq!(plain(text).as_float(), float, "{text}");
        }
        assert_eq!(
            Scalar {
                text: "70".into(),
                plain: false
            }
            .as_integer(),
            None
        );
    }

    #[test]
    fn null_has_four_spellings_and_none_in_quotes() {
        for text in ["", "~", "null", "NULL"] {
            assert!(plain(text).is_null());
            assert!(
                !Scalar {
                    text: text.into(),
                    plain: false
                }
                .is_null()
            );
        }
    }
}
