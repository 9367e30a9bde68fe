//! Numbers of rows and events.

/// A whole number.
///
/// # Errors
/// What was expected.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| String::from("expected a whole number of 0 or more, such as 100"))
}
