//! The id of a request, as events, answers and logs tell it.

use crate::host::{HeaderList, Host};

/// Longest id that is taken over from a header, in bytes. Envoy's own are 36.
const MAX_BYTES: usize = 128;

/// `x-request-id`, which Envoy writes itself where it is the edge; behind another proxy it may be anybody's. What is not
/// made of RFC 3986's unreserved characters is replaced: ids become parts of other ids, of headers and of URLs.
pub(crate) fn of(host: &impl Host, headers: &HeaderList) -> String {
    let is_unreserved =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let is_id = |id: &&str| (1..=MAX_BYTES).contains(&id.len()) && id.bytes().all(is_unreserved);
    headers
        .text("x-request-id")
        .filter(is_id)
        .map_or_else(|| format!("{:016x}", host.random()), String::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;
    use crate::host::header_map;

    #[test]
    fn only_what_is_an_id_everywhere_is_taken_over() {
        let host = FakeHost::default();
        let of = |id: &[u8]| {
            let list = [("x-request-id", std::borrow::Cow::Borrowed(id))];
            super::of(&host, &HeaderList::of(header_map::serialize(&list)))
        };
        let longest = "a".repeat(128);
        for id in ["5f0c2a6e-9d1b-4c53-8a3e-0d5f5e2b7c11", "A.b_c~1", &longest] {
            assert_eq!(of(id.as_bytes()), id);
        }
        let too_long = "a".repeat(129);
        for id in ["", "a b", "a\"b", "a/b", "é", "a\tb", &too_long] {
            let own = of(id.as_bytes());
            assert!(own.len() == 16 && own != id, "{id:?} became {own:?}");
        }
        assert_eq!(of(b"\xff").len(), 16);
    }
}
