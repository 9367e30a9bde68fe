use catalog::SchemaSubset;
use serde_json::{Value, json};

use super::{SchemaUse, fit};

fn fitted(subset: SchemaSubset, schema_use: SchemaUse, mut schema: Value) -> Value {
    fit(subset, schema_use, &mut schema);
    schema
}

#[test]
fn limits_of_an_answer_move_into_descriptions() {
    let schema = json!({"type": "object", "properties": {
        "score": {"type": "integer", "minimum": 1, "maximum": 10, "description": "How good"},
        "tags": {"type": "array", "minItems": 2, "items": {"type": "string", "maxLength": 9}},
    }});
    assert_eq!(
        fitted(SchemaSubset::Anthropic, SchemaUse::Strict, schema.clone()),
        json!({"type": "object", "properties": {
            "score": {"type": "integer", "description": "How good\n\n{\"minimum\":1,\"maximum\":10}"},
            "tags": {"type": "array", "description": "{\"minItems\":2}",
                "items": {"type": "string", "description": "{\"maxLength\":9}"}},
        }, "additionalProperties": false})
    );
    assert_eq!(
        fitted(SchemaSubset::Anthropic, SchemaUse::Tool, schema.clone()),
        schema
    );
    assert_eq!(
        fitted(SchemaSubset::Full, SchemaUse::Strict, schema.clone()),
        schema
    );
}

#[test]
fn parameters_have_properties_and_combine_nothing() {
    assert_eq!(
        fitted(
            SchemaSubset::OpenAi,
            SchemaUse::Tool,
            json!({"type": "object"})
        ),
        json!({"type": "object", "properties": {}})
    );
    assert_eq!(
        fitted(
            SchemaSubset::OpenAi,
            SchemaUse::Tool,
            json!({"anyOf": [{"required": ["a"]}]})
        ),
        json!({"description": "{\"anyOf\":[{\"required\":[\"a\"]}]}", "type": "object", "properties": {}})
    );
}

#[test]
fn google_gets_no_references_and_no_keyword_that_it_lacks() {
    let schema = json!({"$schema": "x", "type": "object", "additionalProperties": false,
        "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"const": 1}, "c": {"oneOf": [{"type": "string"}]}},
        "$defs": {"A": {"type": "object", "properties": {"next": {"$ref": "#/$defs/A"}}}}});
    let fitted = fitted(SchemaSubset::Google, SchemaUse::Tool, schema);
    let text = fitted.to_string();
    for gone in [
        "$ref",
        "$defs",
        "$schema",
        "additionalProperties",
        "const",
        "oneOf",
    ] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    assert_eq!(fitted["properties"]["b"], json!({"enum": [1]}));
    assert_eq!(
        fitted["properties"]["a"]["properties"]["next"]["type"],
        "object"
    );
}
