//! JSON responses: forwarded once they are known not to be errors, or collected and translated.

use super::body_sniff::{self, BodySniff};
use super::{Exchange, FailoverReason, MAX_ERROR_BYTES, ResponseAction, Stage, failover, length};
use crate::error;
use crate::translator::StreamState;

/// A JSON response is buffered until it ends or has this many bytes. Errors with a success status are shorter, and so are
/// nearly all answers: half of one, with a `content-length` that fits, still goes to the next target.
const HELD_BYTES: usize = 64 * 1024;
/// Of a response that is longer, so much is looked through for an error.
const SNIFF_BYTES: usize = 4096;

impl Exchange {
    pub(super) fn buffer_json(
        &mut self,
        mut buffered: Vec<u8>,
        remaining: Option<u64>,
        chunk: &[u8],
        end: bool,
        out: &mut Vec<u8>,
    ) -> ResponseAction {
        let remaining = remaining.map(|bytes| bytes.saturating_sub(length(chunk)));
        // HTTP/1 signals the end later, separately.
        let end = end || (remaining == Some(0) && !chunk.is_empty());
        let is_first = buffered.is_empty();
        // Some providers send line ends to keep the connection alive.
        let piece = if is_first {
            chunk.trim_ascii_start()
        } else {
            chunk
        };
        buffered.extend_from_slice(piece);
        if !end && buffered.len() < HELD_BYTES {
            self.stage = Stage::JsonBuffering {
                buffered,
                remaining,
            };
            return ResponseAction::Buffer;
        }
        match body_sniff::sniff(if end {
            &buffered
        } else {
            buffered.get(..SNIFF_BYTES).unwrap_or(&buffered)
        }) {
            BodySniff::Empty => return self.invalid_response("expected JSON, found an empty body"),
            BodySniff::NotAnObject => {
                return self.invalid_response("expected a JSON object, found something else");
            }
            BodySniff::Error if end || buffered.len() > MAX_ERROR_BYTES => {
                return self.respond_with_error(error::classify_in_stream("", &buffered), out);
            }
            BodySniff::Error => {
                self.stage = Stage::JsonBuffering {
                    buffered,
                    remaining,
                };
                return ResponseAction::Buffer;
            }
            BodySniff::Success => {}
        }
        self.forward_json(&buffered, end);
        if end && !self.complete {
            return self.unsay("expected a whole JSON object, found the beginning of one");
        }
        if end && self.attempt.client.has_choices() && body_sniff::has_no_choices(&buffered) {
            return self.unsay("expected an answer, found an empty list of choices");
        }
        let is_as_it_came = is_first && piece.len() == chunk.len();
        if is_as_it_came && self.attempt.metadata.is_none() && !body_sniff::has_metadata(&buffered)
        {
            self.content_length = remaining.map(|bytes| bytes.saturating_add(length(chunk)));
            return ResponseAction::Forward;
        }
        let before = out.len();
        body_sniff::write_with_metadata(&buffered, self.attempt.metadata.as_deref(), out);
        let written = length(out.get(before..).unwrap_or_default());
        let remaining = if end { Some(0) } else { remaining };
        self.content_length = remaining.map(|bytes| bytes.saturating_add(written));
        ResponseAction::Replace
    }

    /// Nothing of it was sent yet.
    fn unsay(&mut self, found: &str) -> ResponseAction {
        (self.content_sent, self.complete) = (false, false);
        self.invalid_response(found)
    }

    pub(super) fn forward_json(&mut self, chunk: &[u8], end: bool) {
        self.translator.observe_json(chunk);
        self.json_bytes = self.json_bytes.saturating_add(length(chunk));
        self.content_sent = true;
        self.stage = if end {
            Stage::Finished
        } else {
            Stage::JsonForwarding
        };
        self.complete = end && *self.translator.stream_state() == StreamState::Complete;
    }

    pub(super) fn translate_json(&mut self, body: &[u8], out: &mut Vec<u8>) -> ResponseAction {
        match body_sniff::sniff(body) {
            BodySniff::Empty => return self.invalid_response("expected JSON, found an empty body"),
            BodySniff::NotAnObject => {
                return self.invalid_response("expected a JSON object, found something else");
            }
            BodySniff::Error => {
                return self.respond_with_error(error::classify_in_stream("", body), out);
            }
            BodySniff::Success => {}
        }
        let translated = match self.translator.response(body) {
            Ok(translated) => translated,
            Err(error) => {
                let reason =
                    failover::reason(&error, &self.attempt).unwrap_or(FailoverReason::Upstream5xx);
                self.error = Some(error);
                return ResponseAction::Failover(reason);
            }
        };
        self.json_bytes = length(body);
        let before = out.len();
        let body = translated.as_deref().unwrap_or(body);
        body_sniff::write_with_metadata(
            body.trim_ascii_start(),
            self.attempt.metadata.as_deref(),
            out,
        );
        self.content_length = Some(length(out.get(before..).unwrap_or_default()));
        self.content_sent = true;
        self.complete = true;
        ResponseAction::Replace
    }
}
