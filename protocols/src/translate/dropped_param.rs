//! Request fields that may be dropped for a target, each with its reason; all others are refused by name.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::RequestError;
use crate::json;

/// A field without an equivalent upstream that may be dropped. The documentation prints these tables: nothing else is
/// ever dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DroppedParam {
    /// Name in the client's request.
    pub name: &'static str,
    /// When it is dropped.
    pub when: DropWhen,
    /// Why the response is still the one that the client asked for.
    pub reason: &'static str,
}

/// Which values of a field may be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropWhen {
    /// Every value.
    Always,
    /// Only this JSON value: it asks for what the upstream does anyway. Others are refused.
    Only(&'static str),
    /// The translator decides whether this holds; the text is for the documentation.
    Where(&'static str),
}

impl DroppedParam {
    /// Dropped whatever its value.
    pub const fn always(name: &'static str, reason: &'static str) -> Self {
        Self {
            name,
            when: DropWhen::Always,
            reason,
        }
    }

    /// Dropped with this JSON value.
    pub const fn only(name: &'static str, value: &'static str, reason: &'static str) -> Self {
        Self {
            name,
            when: DropWhen::Only(value),
            reason,
        }
    }

    /// Dropped if `condition` holds.
    pub const fn where_holds(
        name: &'static str,
        condition: &'static str,
        reason: &'static str,
    ) -> Self {
        Self {
            name,
            when: DropWhen::Where(condition),
            reason,
        }
    }
}

/// Accepts a field that is in `table` and refuses every other one, naming it by `path`.
///
/// # Errors
/// The field is not in `table`, or not with this value.
pub fn drop_or_refuse(
    table: &[DroppedParam],
    name: &str,
    path: impl std::fmt::Display,
    value: &RawValue,
) -> Result<(), RequestError> {
    let Some(field) = table.iter().find(|field| field.name == name) else {
        return Err(RequestError::unsupported(
            path.to_string(),
            "the target of this request has no counterpart for this field",
        ));
    };
    match field.when {
        DropWhen::Always | DropWhen::Where(_) => Ok(()),
        DropWhen::Only(only) if same_json(value.get(), only) => Ok(()),
        DropWhen::Only(only) => Err(RequestError {
            code: Some("unsupported_value"),
            ..RequestError::unsupported(
                path.to_string(),
                format_args!("the target of this request supports only {only}"),
            )
        }),
    }
}

/// [`drop_or_refuse`] where fields that `table` does not know are dropped too: agents add labels of their own with every
/// release, and an answer without them is the one that the client asked for.
///
/// # Errors
/// The field is in `table`, but not with this value.
pub fn drop_unknown(
    table: &[DroppedParam],
    name: &str,
    path: impl std::fmt::Display,
    value: &RawValue,
) -> Result<(), RequestError> {
    if table.iter().any(|field| field.name == name) {
        drop_or_refuse(table, name, path, value)
    } else {
        Ok(())
    }
}

fn same_json(a: &str, b: &str) -> bool {
    let read = json::parse_text::<Value>;
    matches!((read(a), read(b)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests;
