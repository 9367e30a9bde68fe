//! The tools of a request: names, `strict` and schemas as the provider takes them.

use catalog::{Dialect, SchemaSubset};
use serde_json::{Map, Value};

use super::Refusal;
use super::ids::RestoredNames;
use crate::body_edit::Splice;
use crate::formats::chat_completions::request_dialect::each_element;
use crate::json;
use crate::scanner::{Kind, Scanner};
use crate::schema_subset::{self, SchemaUse};

/// The dialect may want some tool otherwise.
pub(super) fn has_rules(dialect: &Dialect) -> bool {
    dialect.max_tool_name > 0 || !dialect.strict_tools || dialect.schema != SchemaSubset::Full
}

/// Reads the tools, and adds an edit for each that changes.
pub(super) fn edit(
    dialect: &Dialect,
    scanner: &mut Scanner<'_>,
    edits: &mut Vec<Splice>,
    names: &mut RestoredNames,
) -> Result<(), Refusal> {
    if !has_rules(dialect) || scanner.kind()? != Kind::Array {
        return Ok(());
    }
    each_element(scanner, &mut |scanner, _| {
        let span = scanner.value()?;
        let tool: Option<Value> = json::parse_text(scanner.text(span.clone())).ok();
        if let Some(mut tool) = tool
            && let Some(Value::Object(function)) = tool.get_mut("function")
            && fit(dialect, function, names)
        {
            edits.push((span, json::written(&tool)));
        }
        Ok::<(), Refusal>(())
    })?;
    Ok(())
}

/// Returns whether the function changed.
fn fit(dialect: &Dialect, function: &mut Map<String, Value>, names: &mut RestoredNames) -> bool {
    let mut changed = false;
    if let Some(Value::String(name)) = function.get_mut("name") {
        let sent = names.sent(dialect, name).into_owned();
        changed |= sent != *name;
        *name = sent;
    }
    if !dialect.strict_tools {
        changed |= function.shift_remove("strict").is_some();
    }
    let is_strict = function.get("strict") == Some(&Value::Bool(true));
    let schema_use = if is_strict {
        SchemaUse::Strict
    } else {
        SchemaUse::Tool
    };
    if let Some(parameters) = function.get_mut("parameters") {
        changed |= schema_subset::fit(dialect.schema, schema_use, parameters);
    }
    changed
}
