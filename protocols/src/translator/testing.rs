//! What the tests of translators share.

use catalog::{DialectPatch, Provider};

use super::{Attempt, StreamState, Translator};
use crate::format::ClientFormat;
use crate::request_info::RequestTraits;
use crate::usage::Usage;

/// A typical attempt, for tests to vary.
pub(crate) fn test_attempt(client: ClientFormat, provider: Provider) -> Attempt {
    Attempt {
        client,
        provider,
        quirks: DialectPatch::NONE,
        base_path: String::new(),
        api_version: None,
        model: "upstream-model".to_owned(),
        stream: false,
        include_usage: false,
        ask_for_usage: false,
        native_responses: false,
        model_span: 0..0,
        traits: RequestTraits::ANYTHING,
        default_max_tokens: 4096,
        request_id: "req_1".to_owned(),
        created: 1_700_000_000,
        anthropic_version: None,
        anthropic_beta: None,
        metadata: None,
        fail_over_on_context_length: false,
        fail_over_on_content_policy: false,
    }
}

/// The result of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Streamed {
    /// All bytes sent to the client, as text.
    pub(crate) out: String,
    pub(crate) state: StreamState,
    pub(crate) usage: Option<Usage>,
    pub(crate) served_model: Option<String>,
}

/// Feeds `input` whole, event by event, in odd chunks and byte by byte, and requires one result.
pub(crate) fn stream_every_way(make: impl Fn() -> Box<dyn Translator>, input: &[u8]) -> Streamed {
    let whole = stream(&make, &[input]);
    let mut cuts: Vec<usize> = memchr::memmem::find_iter(input, b"\n\n")
        .map(|at| at + 2)
        .collect();
    let mut ways: Vec<(String, Vec<usize>)> = vec![("event by event".to_owned(), cuts.clone())];
    cuts.iter_mut().for_each(|cut| *cut -= 1);
    ways.push(("cut inside blank lines".to_owned(), cuts));
    for size in [1, 2, 7, 64] {
        ways.push((
            format!("pieces of {size}"),
            (size..input.len()).step_by(size).collect(),
        ));
    }
    for (way, cuts) in ways {
        let mut pieces = Vec::new();
        let mut rest = input;
        let mut start = 0;
        for cut in cuts {
            let (piece, tail) = rest.split_at(cut - start);
            pieces.push(piece);
            rest = tail;
            start = cut;
        }
        pieces.push(rest);
        assert_eq!(stream(&make, &pieces), whole, "{way}");
    }
    whole
}

fn stream(make: &impl Fn() -> Box<dyn Translator>, pieces: &[&[u8]]) -> Streamed {
    let mut translator = make();
    let mut out = Vec::new();
    for piece in pieces {
        let before = out.len();
        if translator.stream(piece, &mut out) {
            assert_eq!(
                out.len(),
                before,
                "appended beside a piece that passes as it is"
            );
            out.extend_from_slice(piece);
        }
    }
    translator.stream_end(&mut out);
    Streamed {
        out: String::from_utf8(out).unwrap(),
        state: translator.stream_state().clone(),
        usage: translator.usage(),
        served_model: translator.served_model().map(str::to_owned),
    }
}

/// Requires that `run` is linear in its input: ten times the input takes far less than the hundred times of a quadratic
/// step. On a busy machine single measurements are unreliable, so one good one out of many suffices.
#[allow(clippy::disallowed_methods)]
pub(crate) fn assert_linear<I>(make: impl Fn(usize) -> I, run: impl Fn(&I)) {
    let (small, large) = (make(2_000), make(20_000));
    let time = |input: &I| {
        let start = std::time::Instant::now();
        run(input);
        start.elapsed()
    };
    let is_linear = || time(&large) < time(&small) * 30;
    assert!(
        (0..50).any(|_| is_linear()),
        "ten times the input took more than thirty times as long, fifty times over"
    );
}
