//! What is written as YAML reads as the same data.

use envoy::to_yaml;
use proptest::prelude::*;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Number, Value};

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        "[ \\t\\n:#\\-a-z0-9'\"|>&*!%@,{}\\[\\]]{0,12}",
        prop::sample::select(vec![
            "yes", "No", "null", "~", "1e3", "0x1f", "1_000", "12:30:45", ".inf", "-", "---",
            "...", "a: b", " a", "a\n", "a\n\n", "\na", "a\n b\n", "a\r\nb",
        ])
        .prop_map(String::from),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn reads_as_the_same_data(value in any_value()) {
        let yaml = to_yaml(&value);
        let documents = Yaml::load_from_str(&yaml).map_err(|error| TestCaseError::fail(format!("{error}\n{yaml}")))?;
        prop_assert_eq!(documents.len(), 1, "{}", yaml);
        prop_assert_eq!(json(&documents[0]), value, "{}", yaml);
    }
}

fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Value(scalar) => match scalar {
            Scalar::Null => Value::Null,
            Scalar::Boolean(value) => (*value).into(),
            Scalar::Integer(value) => Number::from(*value).into(),
            Scalar::FloatingPoint(value) => Number::from_f64(value.into_inner()).into(),
            Scalar::String(text) => text.as_ref().into(),
        },
        Yaml::Sequence(items) => items.iter().map(json).collect(),
        Yaml::Mapping(entries) => {
            let text = |key: &Yaml| json(key).as_str().expect("keys are texts").to_owned();
            Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (text(key), json(value)))
                    .collect(),
            )
        }
        Yaml::Representation(..) | Yaml::Tagged(..) | Yaml::Alias(_) | Yaml::BadValue => {
            panic!("not plain data: {yaml:?}")
        }
    }
}
