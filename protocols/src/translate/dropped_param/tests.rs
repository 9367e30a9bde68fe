#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const TABLE: &[DroppedParam] = &[
    DroppedParam {
        name: "seed",
        when: DropWhen::Always,
        reason: "",
    },
    DroppedParam {
        name: "modalities",
        when: DropWhen::Only(r#"["text"]"#),
        reason: "",
    },
];

#[test]
fn only_listed_fields_and_values_are_dropped() {
    for (name, value, code) in [
        ("seed", "1", None),
        ("modalities", "[ \"text\" ]", None),
        (
            "modalities",
            r#"["text","audio"]"#,
            Some("unsupported_value"),
        ),
        ("audio", "{}", Some("unsupported_parameter")),
    ] {
        let value = RawValue::from_string(value.to_owned()).unwrap();
        let error = drop_or_refuse(TABLE, name, name, &value).err();
        assert_eq!(error.as_ref().and_then(|error| error.code), code, "{name}");
        if let Some(error) = error {
            assert_eq!(error.param.as_deref(), Some(name));
            assert!(error.message.contains(name), "{error}");
        }
    }
}
