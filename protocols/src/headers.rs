//! Headers of an answer: lower-case names, values as bytes.

/// Headers of somebody who keeps them: a provider sends thirty, of which two or three matter.
pub type HeaderSlice<'a> = [(&'a str, &'a [u8])];

/// Headers that outlive the callback in which they came.
pub(crate) type Headers = Vec<(String, Vec<u8>)>;

/// What [`Headers`] lend.
pub(crate) fn as_slices(headers: &Headers) -> Vec<(&str, &[u8])> {
    (headers.iter())
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect()
}

/// The first header of that lower-case name, if it is text.
pub(crate) fn text<'a>(headers: &HeaderSlice<'a>, name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().find(|(known, _)| *known == name)?;
    std::str::from_utf8(value).ok()
}
