//! Translates a stream: Chat Completions chunks to Responses events.

use crate::formats::responses::stream_writer::{ResponseTooLong, ResponsesStreamWriter};

use crate::error::ProviderError;
use crate::formats::chat_completions::{ChatStreamReader, StreamEnd, StreamSink, signed_reasoning};
use crate::formats::responses::output_item::PartKind;
use crate::formats::responses::response_object::ResponseObject;
use crate::formats::responses::{EchoedFields, RequestState};
use crate::json::Text;
use crate::translate::StreamTranslator;
use crate::translate::responses_to_chat_completions::response::own_call_id;
use crate::translator::{Attempt, StreamState};
use crate::usage::Usage;

/// State of reader and writer.
#[derive(Debug, Default)]
pub struct Stream {
    reader: ChatStreamReader,
    writer: ResponsesStreamWriter,
    /// The provider's model, as the inside of a JSON literal.
    model: Option<Vec<u8>>,
}

/// Writes what the reader reports.
struct Sink<'s> {
    attempt: &'s Attempt,
    state: &'s RequestState,
    writer: &'s mut ResponsesStreamWriter,
    model: &'s mut Option<Vec<u8>>,
    out: &'s mut Vec<u8>,
}

impl StreamTranslator<RequestState> for Stream {
    fn push(&mut self, attempt: &Attempt, state: &RequestState, chunk: &[u8], out: &mut Vec<u8>) {
        let (reader, mut sink) = self.parts(attempt, state, out);
        reader.feed(chunk, &mut sink);
    }

    fn end(&mut self, attempt: &Attempt, state: &RequestState, out: &mut Vec<u8>) {
        let (reader, mut sink) = self.parts(attempt, state, out);
        reader.end(&mut sink);
    }

    fn state(&self) -> &StreamState {
        self.reader.state()
    }

    fn usage(&self) -> Option<Usage> {
        self.reader.usage()
    }

    fn skipped_events(&self) -> u32 {
        self.reader.skipped_events()
    }

    fn text_bytes(&self) -> u64 {
        self.reader.text_bytes()
    }

    fn served_model(&self) -> Option<&str> {
        self.reader.model()
    }
}

impl Stream {
    fn parts<'s>(
        &'s mut self,
        attempt: &'s Attempt,
        state: &'s RequestState,
        out: &'s mut Vec<u8>,
    ) -> (&'s mut ChatStreamReader, Sink<'s>) {
        let sink = Sink {
            attempt,
            state,
            writer: &mut self.writer,
            model: &mut self.model,
            out,
        };
        (&mut self.reader, sink)
    }
}

/// The response object apart from its output. A function of fields, so that the writer can be borrowed as well.
fn object<'s>(
    attempt: &'s Attempt,
    echo: &'s EchoedFields,
    model: Option<&'s [u8]>,
) -> ResponseObject<'s> {
    let named = model.and_then(|model| std::str::from_utf8(model).ok());
    ResponseObject {
        attempt,
        echo,
        // The provider's own timestamp arrives too late to be the same in all events.
        created_at: attempt.created,
        model: named.map_or(Text::Plain(&attempt.model), Text::Escaped),
    }
}

impl StreamSink for Sink<'_> {
    fn start(&mut self, _id: Option<Text<'_>>, model: Option<Text<'_>>) {
        *self.model = model.map(|model| {
            let mut inside = Vec::new();
            model.write_inside(&mut inside);
            inside
        });
        let object = object(self.attempt, &self.state.echo, self.model.as_deref());
        self.writer.start(&object, self.out);
    }

    fn reasoning(&mut self, text: Text<'_>) -> Result<(), ProviderError> {
        self.writer
            .reasoning(self.attempt, text, self.out)
            .map_err(response_too_long)
    }

    fn signature(&mut self, signature: Text<'_>) -> Result<(), ProviderError> {
        self.writer
            .signature(self.attempt, signature, self.out)
            .map_err(response_too_long)
    }

    fn text(&mut self, text: Text<'_>) -> Result<(), ProviderError> {
        self.writer
            .delta(self.attempt, PartKind::Text, text, self.out)
            .map_err(response_too_long)
    }

    fn refusal(&mut self, text: Text<'_>) -> Result<(), ProviderError> {
        self.writer
            .delta(self.attempt, PartKind::Refusal, text, self.out)
            .map_err(response_too_long)
    }

    /// It travels as the encrypted content of reasoning before the call.
    fn thought_signature(&mut self, signature: Text<'_>) -> Result<(), ProviderError> {
        let marked = signed_reasoning::marked_thought(signature);
        self.signature(Text::Plain(&marked))
    }

    fn open_call(
        &mut self,
        call: usize,
        id: Option<Text<'_>>,
        name: Text<'_>,
    ) -> Result<(), ProviderError> {
        let own_id = own_call_id(self.attempt, call);
        let id = id.unwrap_or(Text::Plain(&own_id));
        self.writer
            .open_call(self.attempt, id, name, self.state.tools.get(name), self.out)
            .map_err(response_too_long)
    }

    fn arguments(&mut self, call: usize, fragment: Text<'_>) -> Result<(), ProviderError> {
        self.writer
            .arguments(self.attempt, call, fragment, self.out)
            .map_err(response_too_long)
    }

    fn finish(&mut self, end: &StreamEnd) {
        let object = object(self.attempt, &self.state.echo, self.model.as_deref());
        self.writer
            .finish(&object, end.reason, end.usage.as_ref(), self.out);
    }

    fn fail(&mut self, error: &ProviderError) {
        let object = object(self.attempt, &self.state.echo, self.model.as_deref());
        self.writer.fail(&object, error, self.out);
    }
}

fn response_too_long(error: ResponseTooLong) -> ProviderError {
    ProviderError::invalid_response(error)
}
