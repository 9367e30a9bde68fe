//! Reads a ConverseStream response for all clients.

use crate::by_index::ByIndex;
use crate::error::ProviderError;
use crate::event_stream::{EventStreamDecoder, EventStreamError};
use crate::formats::bedrock_converse::{ConverseEvent, Stop, read_event};
use crate::json::Text;
use crate::translator::StreamState;
use crate::usage::Usage;

/// Most calls that may be open at once; models open one at a time.
const MAX_OPEN_CALLS: usize = 1024;

/// Longest signature of one reasoning block, in bytes. Anthropic's have a few thousand.
const MAX_SIGNATURE_BYTES: usize = 1024 * 1024;

/// Writes a client's stream. Empty pieces must write nothing.
pub trait ConverseSink {
    /// Handle of an open call.
    type Call: Copy;

    /// The response starts. Called before everything else, possibly more than once.
    fn start(&mut self, out: &mut Vec<u8>);

    /// A piece of text.
    fn text(&mut self, text: Text<'_>, out: &mut Vec<u8>) -> Result<(), ProviderError>;

    /// A piece of reasoning.
    fn reasoning(&mut self, text: Text<'_>, out: &mut Vec<u8>) -> Result<(), ProviderError>;

    /// The complete signature of the preceding reasoning; once per signed block.
    fn signature(&mut self, signature: &str, out: &mut Vec<u8>) -> Result<(), ProviderError>;

    /// Reasoning that only the provider can decrypt, in base64.
    fn redacted(&mut self, data: Text<'_>, out: &mut Vec<u8>) -> Result<(), ProviderError>;

    /// The preceding text or reasoning block is complete.
    fn close_block(&mut self, out: &mut Vec<u8>);

    /// A tool call starts, with the name sent to the provider.
    fn open_call(
        &mut self,
        id: Text<'_>,
        name: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Self::Call, ProviderError>;

    /// A fragment of a call's input.
    fn call_input(
        &mut self,
        call: Self::Call,
        fragment: Text<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProviderError>;

    /// The call's input is complete.
    fn close_call(&mut self, call: Self::Call, out: &mut Vec<u8>);

    /// The response is complete, with all usage that is known.
    fn finish(&mut self, stop: &Stop, usage: Option<&Usage>, out: &mut Vec<u8>);

    /// The response failed after content was sent.
    fn fail(&mut self, error: &ProviderError, out: &mut Vec<u8>);
}

/// The state machine between Bedrock's frames and a client's stream.
///
/// The end waits for both `messageStop` and the usage in `metadata`, in either order, so that it carries the usage and
/// no failure can follow it. If the stream ends after `messageStop` without usage, it is complete without.
#[derive(Debug)]
pub struct ConverseStream<S: ConverseSink> {
    sink: S,
    decoder: EventStreamDecoder,
    state: StreamState,
    ended: bool,
    /// The open text or reasoning block.
    open: Option<OpenBlock>,
    /// Open calls by Bedrock's index; `None` for blocks that are not for the client.
    calls: ByIndex<Option<S::Call>>,
    stop: Option<Stop>,
    usage: Option<Usage>,
    text_bytes: u64,
}

#[derive(Debug)]
struct OpenBlock {
    index: u64,
    kind: BlockKind,
}

#[derive(Debug)]
enum BlockKind {
    Text,
    Reasoning { signature: String },
}

impl<S: ConverseSink> ConverseStream<S> {
    /// A stream without input.
    pub fn new(sink: S) -> Self {
        Self {
            sink,
            decoder: EventStreamDecoder::new(),
            state: StreamState::BeforeContent,
            ended: false,
            open: None,
            calls: ByIndex::default(),
            stop: None,
            usage: None,
            text_bytes: 0,
        }
    }

    /// The writer of the client's stream.
    pub fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }

    /// The state of the stream.
    pub fn state(&self) -> &StreamState {
        &self.state
    }

    /// Usage, once the provider has reported it.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Bytes of text, reasoning and arguments so far.
    pub fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    fn count(&mut self, text: Text<'_>) {
        self.text_bytes = self.text_bytes.saturating_add(text.length());
    }

    /// Handles the next bytes.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let mut decoder = std::mem::take(&mut self.decoder);
        let mut rest = chunk;
        while !self.ended {
            let result = match decoder.next(&mut rest) {
                Ok(Some(frame)) => read_event(&frame).and_then(|event| self.event(event, out)),
                Ok(None) => break,
                Err(damage) => Err(ProviderError::invalid_response(damage)),
            };
            if let Err(error) = result {
                self.fail(error, out);
            }
        }
        self.decoder = decoder;
    }

    /// Handles the end of the provider's stream.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        match self.decoder.finish() {
            Ok(()) if self.stop.is_some() => {
                if let Err(error) = self.complete(out) {
                    self.fail(error, out);
                }
            }
            Ok(()) | Err(EventStreamError::Truncated { .. }) => {
                self.fail(ProviderError::truncated(), out);
            }
            Err(damage) => self.fail(ProviderError::invalid_response(damage), out),
        }
    }

    fn event(&mut self, event: ConverseEvent<'_>, out: &mut Vec<u8>) -> Result<(), ProviderError> {
        match event {
            ConverseEvent::Start => self.sink.start(out),
            ConverseEvent::Text { block, text } => {
                if !text.is_empty() {
                    let is_text = |kind: &BlockKind| matches!(kind, BlockKind::Text);
                    self.open_block(block, is_text, || BlockKind::Text, out)?;
                    self.count(text);
                    self.sink.text(text, out)?;
                    self.mark_content();
                }
            }
            ConverseEvent::Reasoning { block, text } => {
                if !text.is_empty() {
                    self.open_reasoning(block, out)?;
                    self.count(text);
                    self.sink.reasoning(text, out)?;
                    self.mark_content();
                }
            }
            ConverseEvent::Signature { block, signature } => {
                self.open_reasoning(block, out)?;
                self.keep_signature(signature)?;
            }
            ConverseEvent::Redacted { block: _, data } => {
                self.close_block(out)?;
                self.sink.start(out);
                let before = out.len();
                self.sink.redacted(data, out)?;
                self.mark_content_if(out.len() > before);
            }
            ConverseEvent::ToolStart { block, id, name } => {
                self.close_block(out)?;
                self.sink.start(out);
                let call = self.sink.open_call(id, name, out)?;
                self.keep_call(block, Some(call))?;
                self.mark_content();
            }
            ConverseEvent::SkippedStart { block } => self.keep_call(block, None)?,
            ConverseEvent::ToolInput { block, fragment } => match self.calls.get(block) {
                Some(Some(call)) => {
                    self.text_bytes = self.text_bytes.saturating_add(fragment.length());
                    self.sink.call_input(*call, fragment, out)?;
                }
                Some(None) => {}
                None => {
                    let found =
                        format_args!("input for a call in block {block}, which is not open");
                    return Err(ProviderError::invalid_response(found));
                }
            },
            ConverseEvent::BlockStop { block } => match self.calls.remove(block) {
                Some(Some(call)) => self.sink.close_call(call, out),
                Some(None) => {}
                None if self.open.as_ref().is_some_and(|open| open.index == block) => {
                    self.close_block(out)?;
                }
                None => {}
            },
            ConverseEvent::Stop(stop) => {
                self.stop.get_or_insert(stop);
                if self.usage.is_some() {
                    self.complete(out)?;
                }
            }
            ConverseEvent::Metadata(usage) => {
                self.usage = usage.or(self.usage);
                if self.usage.is_some() && self.stop.is_some() {
                    self.complete(out)?;
                }
            }
            ConverseEvent::Other => {}
        }
        Ok(())
    }

    fn open_reasoning(&mut self, block: u64, out: &mut Vec<u8>) -> Result<(), ProviderError> {
        let is_reasoning = |kind: &BlockKind| matches!(kind, BlockKind::Reasoning { .. });
        let new = || BlockKind::Reasoning {
            signature: String::new(),
        };
        self.open_block(block, is_reasoning, new, out)
    }

    /// Makes `block` the open one. A different index or kind ends the previous block, whether or not the provider said
    /// so.
    fn open_block(
        &mut self,
        block: u64,
        is_same_kind: impl FnOnce(&BlockKind) -> bool,
        new: impl FnOnce() -> BlockKind,
        out: &mut Vec<u8>,
    ) -> Result<(), ProviderError> {
        match &self.open {
            Some(open) if open.index == block && is_same_kind(&open.kind) => {}
            Some(_) | None => {
                self.close_block(out)?;
                self.sink.start(out);
                self.open = Some(OpenBlock {
                    index: block,
                    kind: new(),
                });
            }
        }
        Ok(())
    }

    fn close_block(&mut self, out: &mut Vec<u8>) -> Result<(), ProviderError> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        match open.kind {
            BlockKind::Reasoning { signature } if !signature.is_empty() => {
                let before = out.len();
                self.sink.signature(&signature, out)?;
                self.mark_content_if(out.len() > before);
            }
            BlockKind::Reasoning { .. } | BlockKind::Text => {}
        }
        self.sink.close_block(out);
        Ok(())
    }

    fn keep_signature(&mut self, piece: Text<'_>) -> Result<(), ProviderError> {
        if let Some(OpenBlock {
            kind: BlockKind::Reasoning { signature },
            ..
        }) = &mut self.open
        {
            signature.push_str(&piece.decode().unwrap_or_default());
            if signature.len() > MAX_SIGNATURE_BYTES {
                let found = format_args!("a signature of more than {MAX_SIGNATURE_BYTES} bytes");
                return Err(ProviderError::invalid_response(found));
            }
        }
        Ok(())
    }

    fn keep_call(&mut self, block: u64, call: Option<S::Call>) -> Result<(), ProviderError> {
        self.calls.insert(block, call);
        if self.calls.len() > MAX_OPEN_CALLS {
            let found = format_args!("more than {MAX_OPEN_CALLS} open content blocks");
            return Err(ProviderError::invalid_response(found));
        }
        Ok(())
    }

    /// Not every client's protocol supports every kind of block.
    fn mark_content_if(&mut self, something_was_written: bool) {
        if something_was_written {
            self.mark_content();
        }
    }

    fn mark_content(&mut self) {
        if self.state == StreamState::BeforeContent {
            self.state = StreamState::Content;
        }
    }

    fn complete(&mut self, out: &mut Vec<u8>) -> Result<(), ProviderError> {
        let Some(stop) = self.stop.take() else {
            return Ok(());
        };
        self.close_block(out)?;
        self.ended = true;
        let is_empty =
            self.state == StreamState::BeforeContent && !stop.reason.allows_empty_content();
        for call in self.calls.take().flatten() {
            self.sink.close_call(call, out);
        }
        self.sink.start(out);
        self.sink.finish(&stop, self.usage.as_ref(), out);
        self.state = if is_empty {
            StreamState::Empty
        } else {
            StreamState::Complete
        };
        Ok(())
    }

    fn fail(&mut self, error: ProviderError, out: &mut Vec<u8>) {
        if self.state == StreamState::Content {
            self.sink.fail(&error, out);
        }
        self.ended = true;
        self.state = StreamState::Failed(error);
    }
}
