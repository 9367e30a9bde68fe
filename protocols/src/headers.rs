//! Response headers: lower-case names, values as bytes.

/// Borrowed headers: a provider sends thirty, of which two or three matter.
pub type HeaderSlice<'a> = [(&'a str, &'a [u8])];

/// Headers that outlive the callback in which they arrived.
pub(crate) type Headers = Vec<(String, Vec<u8>)>;

/// Borrows [`Headers`].
pub(crate) fn as_slices(headers: &Headers) -> Vec<(&str, &[u8])> {
    (headers.iter())
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect()
}

/// The first header with this lower-case name, if it is text.
pub(crate) fn text<'a>(headers: &HeaderSlice<'a>, name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().find(|(known, _)| *known == name)?;
    std::str::from_utf8(value).ok()
}
