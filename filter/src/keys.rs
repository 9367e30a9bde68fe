//! Gateway keys: where a client presents one, and what it may do.

use std::rc::Rc;

use events::KEY_PREFIX;
use protocols::ClientFormat;
use routing::rate::RateTable;

use crate::config::AuthRule;
use crate::control::{Control, Key};
use crate::host::{HeaderList, Host, Now};
use crate::local_reply::Answer;
use crate::shared::{rate_table, update_shared};

const BEARER: &[u8] = b"bearer ";

/// A client that is not let in.
#[derive(Debug)]
pub(crate) struct TurnedAway {
    /// What it is told.
    pub(crate) answer: Answer,
    /// Whose key it is, where it is good.
    pub(crate) key: Option<Rc<Key>>,
}

/// Lets a request to a model in: who pays for it, where a key is needed.
pub(crate) fn admit(
    host: &impl Host,
    control: &Control,
    rule: AuthRule,
    client: ClientFormat,
    headers: &HeaderList,
    now: Now,
) -> Result<Option<Rc<Key>>, TurnedAway> {
    if control.lets_everybody_in(rule) {
        return Ok(None);
    }
    let key = control
        .admit(presented(headers), now.unix_ms, rule)
        .map_err(|why| TurnedAway {
            answer: Answer::no_good_key(client, why),
            key: None,
        })?;
    let limit = key.as_ref().and_then(|key| key.rate());
    if let Some((rate_key, limit)) = limit {
        let mut granted = Ok(());
        update_shared(host, rate_table(rate_key), |blob| {
            let mut table = RateTable::decode(blob);
            granted = table.grant(rate_key, limit, now.monotonic_ms());
            granted.is_ok().then(|| table.encode())
        });
        if let Err(wait_ms) = granted {
            let answer = Answer::too_many_requests(client, limit, wait_ms);
            return Err(TurnedAway { answer, key });
        }
    }
    Ok(key)
}

/// The key that a client presents: OpenAI's clients send `authorization: Bearer`, Anthropic's `x-api-key`, Azure's
/// `api-key`. Where there are several, the first that looks like one of ours, else the first.
pub(crate) fn presented(headers: &HeaderList) -> Option<&[u8]> {
    let candidates = || {
        headers.iter().filter_map(|(name, value)| match name {
            "authorization" => bearer(value),
            "x-api-key" | "api-key" => Some(value.trim_ascii()),
            _ => None,
        })
    };
    candidates()
        .find(|key| key.starts_with(KEY_PREFIX.as_bytes()))
        .or_else(|| candidates().next())
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(BEARER.len())?;
    scheme
        .eq_ignore_ascii_case(BEARER)
        .then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_where_any_client_puts_it() {
        type Sent = &'static [(&'static str, &'static str)];
        let cases: [(Sent, Option<&str>); 8] = [
            (&[("authorization", "Bearer kt_gk_1")], Some("kt_gk_1")),
            (&[("authorization", "bearer  kt_gk_1 ")], Some("kt_gk_1")),
            (&[("x-api-key", "kt_gk_1")], Some("kt_gk_1")),
            (&[("api-key", "kt_gk_1")], Some("kt_gk_1")),
            (
                &[("authorization", "Bearer sk-1"), ("api-key", "kt_gk_1")],
                Some("kt_gk_1"),
            ),
            (&[("authorization", "Bearer sk-1")], Some("sk-1")),
            (&[("authorization", "Basic a2V5")], None),
            (&[("cookie", "key=kt_gk_1")], None),
        ];
        for (headers, expected) in cases {
            let list: Vec<(&str, &[u8])> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_bytes()))
                .collect();
            let list = HeaderList::of(crate::host::header_map::encode(&list));
            assert_eq!(presented(&list), expected.map(str::as_bytes), "{headers:?}");
        }
    }
}
