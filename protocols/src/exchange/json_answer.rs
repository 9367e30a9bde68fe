//! JSON answers: passed on once they show that they are no error, or gathered and translated.

use super::shown::{self, Shown};
use super::{Exchange, FailoverReason, MAX_ERROR_BYTES, Stage, Verdict, failover, length};
use crate::error;
use crate::translator::StreamState;

/// A JSON answer that passes is held until it ends or shows this many bytes: errors in answers of success are shorter.
const SHOWN_BYTES: usize = 4096;

impl Exchange {
    pub(super) fn open_json(
        &mut self,
        mut held: Vec<u8>,
        remaining: Option<u64>,
        chunk: &[u8],
        end: bool,
        out: &mut Vec<u8>,
    ) -> Verdict {
        let remaining = remaining.map(|bytes| bytes.saturating_sub(length(chunk)));
        // HTTP/1 tells of the end later, and by itself.
        let end = end || (remaining == Some(0) && !chunk.is_empty());
        let is_first = held.is_empty();
        // Some providers send line ends to keep the connection alive.
        let piece = if is_first {
            chunk.trim_ascii_start()
        } else {
            chunk
        };
        held.extend_from_slice(piece);
        if !end && held.len() < SHOWN_BYTES {
            self.stage = Stage::JsonOpening { held, remaining };
            return Verdict::Hold;
        }
        match shown::shows(if end {
            &held
        } else {
            held.get(..SHOWN_BYTES).unwrap_or(&held)
        }) {
            Shown::Nothing => return self.unreadable("expected JSON, found an empty body"),
            Shown::NotAnObject => {
                return self.unreadable("expected a JSON object, found something else");
            }
            Shown::Error if end || held.len() > MAX_ERROR_BYTES => {
                return self.answer_error(error::classify_in_stream("", &held), out);
            }
            Shown::Error => {
                self.stage = Stage::JsonOpening { held, remaining };
                return Verdict::Hold;
            }
            Shown::Answer => {}
        }
        self.pass_json(&held, end);
        let is_as_it_came = is_first && piece.len() == chunk.len();
        if is_as_it_came && self.attempt.metadata.is_none() && !shown::has_metadata(&held) {
            self.content_length = remaining.map(|bytes| bytes.saturating_add(length(chunk)));
            return Verdict::PassUnchanged;
        }
        let before = out.len();
        shown::write_with_metadata(&held, self.attempt.metadata.as_deref(), out);
        let written = length(out.get(before..).unwrap_or_default());
        let remaining = if end { Some(0) } else { remaining };
        self.content_length = remaining.map(|bytes| bytes.saturating_add(written));
        Verdict::Pass
    }

    pub(super) fn pass_json(&mut self, chunk: &[u8], end: bool) {
        self.translator.watch_json(chunk);
        self.json_bytes = self.json_bytes.saturating_add(length(chunk));
        self.content_sent = true;
        self.stage = if end { Stage::Over } else { Stage::JsonPassing };
        self.complete = end && *self.translator.stream_state() == StreamState::Complete;
    }

    pub(super) fn translate_json(&mut self, body: &[u8], out: &mut Vec<u8>) -> Verdict {
        match shown::shows(body) {
            Shown::Nothing => return self.unreadable("expected JSON, found an empty body"),
            Shown::NotAnObject => {
                return self.unreadable("expected a JSON object, found something else");
            }
            Shown::Error => return self.answer_error(error::classify_in_stream("", body), out),
            Shown::Answer => {}
        }
        let translated = match self.translator.response(body) {
            Ok(translated) => translated,
            Err(error) => {
                let reason =
                    failover::reason(&error, &self.attempt).unwrap_or(FailoverReason::Upstream5xx);
                self.error = Some(error);
                return Verdict::FailOver(reason);
            }
        };
        self.json_bytes = length(body);
        let before = out.len();
        let body = translated.as_deref().unwrap_or(body);
        shown::write_with_metadata(
            body.trim_ascii_start(),
            self.attempt.metadata.as_deref(),
            out,
        );
        self.content_length = Some(length(out.get(before..).unwrap_or_default()));
        self.content_sent = true;
        self.complete = true;
        Verdict::Pass
    }
}
