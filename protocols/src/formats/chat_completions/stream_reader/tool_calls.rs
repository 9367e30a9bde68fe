//! Assigns fragments to tool calls.

use crate::by_index::ByIndex;
use crate::error::ProviderError;
use crate::formats::chat_completions::delta::ToolCallDelta;
use crate::formats::chat_completions::stream_reader::StreamSink;
use crate::json::Text;

/// Most calls in one response.
const MAX_CALLS: usize = 1024;

/// Most bytes of arguments kept for calls whose names have not arrived.
const MAX_NAMELESS_BYTES: usize = 1024 * 1024;

/// The calls of one response.
///
/// | provider | how a fragment identifies its call |
/// |---|---|
/// | OpenAI | `index` in all, `id` and name in the first |
/// | Anthropic's own endpoint | `index` starts at 1 |
/// | Gemini | no `index`; a new `id` starts a new call |
/// | older servers | `index` 0 for all; a new `id` starts a new call |
/// | `function_call` | neither; a name starts a new call |
#[derive(Debug, Default)]
pub(super) struct ToolCalls {
    calls: Vec<Call>,
    /// Position in `calls` of the call that an `index` currently refers to.
    by_index: ByIndex<usize>,
    /// Number of calls opened at the sink.
    opened: usize,
    nameless_bytes: usize,
}

#[derive(Debug, Default)]
struct Call {
    /// The inside of a JSON literal.
    id: Option<Vec<u8>>,
    /// The call's number at the sink, once it has a name.
    number: Option<usize>,
    /// Arguments that arrived before the name; the inside of a JSON literal.
    arguments: Vec<u8>,
}

impl ToolCalls {
    /// There is at least one call.
    pub(super) fn any(&self) -> bool {
        self.opened > 0
    }

    /// Passes a fragment to the sink. Returns `true` if its call is open there.
    pub(super) fn accept(
        &mut self,
        delta: &ToolCallDelta<'_>,
        sink: &mut impl StreamSink,
    ) -> Result<bool, ProviderError> {
        let position = self.position(delta)?;
        let Some(call) = self.calls.get_mut(position) else {
            return Ok(false);
        };
        if let (None, Some(id)) = (&call.id, delta.id) {
            let mut inside = Vec::new();
            id.write_inside(&mut inside);
            call.id = Some(inside);
        }
        let number = match (call.number, delta.name) {
            (Some(number), _) => number,
            (None, Some(name)) => {
                let number = self.opened;
                self.opened = number.saturating_add(1);
                call.number = Some(number);
                if let Some(signature) = delta.thought_signature {
                    sink.thought_signature(signature)?;
                }
                sink.open_call(number, call.id.as_deref().map(escaped), name)?;
                let early = std::mem::take(&mut call.arguments);
                if !early.is_empty() {
                    sink.arguments(number, escaped(&early))?;
                }
                number
            }
            (None, None) => {
                let before = call.arguments.len();
                delta.arguments.write_inside(&mut call.arguments);
                let added = call.arguments.len().saturating_sub(before);
                self.nameless_bytes = self.nameless_bytes.saturating_add(added);
                if self.nameless_bytes > MAX_NAMELESS_BYTES {
                    return Err(ProviderError::invalid_response(
                        "a tool call without a name",
                    ));
                }
                return Ok(false);
            }
        };
        if !delta.arguments.is_empty() {
            sink.arguments(number, delta.arguments)?;
        }
        Ok(true)
    }

    fn position(&mut self, delta: &ToolCallDelta<'_>) -> Result<usize, ProviderError> {
        let known = match delta.index {
            Some(index) => self.by_index.get(index).copied(),
            None => self.calls.len().checked_sub(1),
        };
        let continued = known.filter(|known| {
            self.calls.get(*known).is_some_and(|call| match delta.id {
                Some(id) => call.id.as_deref().is_none_or(|known| escaped(known) == id),
                None => delta.index.is_some() || delta.name.is_none() || call.number.is_none(),
            })
        });
        if let Some(position) = continued {
            return Ok(position);
        }
        let position = self.calls.len();
        if position >= MAX_CALLS {
            return Err(ProviderError::invalid_response(format_args!(
                "more than {MAX_CALLS} tool calls"
            )));
        }
        self.calls.push(Call::default());
        if let Some(index) = delta.index {
            self.by_index.insert(index, position);
        }
        Ok(position)
    }
}

fn escaped(inside: &[u8]) -> Text<'_> {
    Text::Escaped(std::str::from_utf8(inside).unwrap_or_default())
}
