//! Why a text is not JSON.

/// The first syntax error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonError {
    #[error("expected UTF-8, found other bytes from byte {at}")]
    NotUtf8 { at: usize },
    #[error("expected {what} at byte {at}, found {found}")]
    Expected {
        what: &'static str,
        at: usize,
        found: String,
    },
    #[error(
        "expected at most {} levels of nesting, found more: nested too deeply",
        super::MAX_DEPTH
    )]
    TooDeep,
}

impl JsonError {
    pub(super) fn not_utf8(at: usize) -> Self {
        Self::NotUtf8 { at }
    }

    pub(super) fn expected(what: &'static str, text: &str, at: usize) -> Self {
        let found = match text.get(at..).map(|rest| rest.chars().next()) {
            Some(None) => String::from("the end of the text"),
            Some(Some(char)) if char.is_control() => format!("character {:#04x}", u32::from(char)),
            Some(Some(char)) => format!("`{char}`"),
            // Inside a character, which only an escape sequence can lead to.
            None => String::from("something else"),
        };
        Self::Expected { what, at, found }
    }

    pub(super) fn too_deep() -> Self {
        Self::TooDeep
    }
}
