//! Answers and streams as each provider writes them. What is not said here is as OpenAI has it.
//!
//! Source: the providers' SDK types, documentation and server sources that `catalog/providers/*.toml` names.

use catalog::{Provider, UpstreamFormat};
use serde_json::{Value, json};

use super::support::frames;
use super::{COMPLETION_TOKENS, Content, PROMPT_TOKENS, TEXT, THOUGHT, TOOL, arguments};

/// Where a stream tells its usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StreamUsage {
    /// A chunk behind the last one, without choices.
    ChunkWithoutChoices,
    /// The chunk with the finish reason.
    LastContentChunk,
    /// `x_groq.usage` of the chunk with the finish reason.
    XGroq,
    /// `choices[0].usage` of the chunk with the finish reason.
    FirstChoice,
    /// Every chunk, each time the sum so far.
    EveryChunk,
}

/// How an answer tells what the model thought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thought {
    None,
    /// A member of message and delta.
    Field(&'static str),
    /// Parts of `content` before the text: Mistral's `thinking`.
    Parts,
    /// Parts of `content` before the text: Databricks' `reasoning`, with a summary.
    Summaries,
}

/// How one provider writes its answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) provider: Provider,
    usage: StreamUsage,
    thought: Thought,
    /// A tool call comes in one chunk, with its arguments.
    whole_tool_calls: bool,
    /// Lines that are no event stand between chunks while the model thinks.
    comments: bool,
    /// The first chunk has no choices.
    begins_without_choices: bool,
}

impl Shape {
    pub(crate) fn of(provider: Provider) -> Self {
        use StreamUsage::{ChunkWithoutChoices, EveryChunk, FirstChoice, LastContentChunk, XGroq};
        let (usage, thought) = match provider.name() {
            "mistral" => (LastContentChunk, Thought::Parts),
            "databricks" => (EveryChunk, Thought::Summaries),
            "perplexity" => (EveryChunk, Thought::None),
            "groq" => (XGroq, Thought::Field("reasoning")),
            "moonshot" => (FirstChoice, Thought::Field("reasoning_content")),
            "gemini" | "vertex" => (LastContentChunk, Thought::None),
            "zai" | "fireworks" => (LastContentChunk, Thought::Field("reasoning_content")),
            "deepseek" | "dashscope" | "minimax" | "xiaomi-mimo" | "xai" | "sglang"
            | "llamacpp" | "litellm" | "nvidia-nim" | "cloudflare" | "lmstudio" => {
                (ChunkWithoutChoices, Thought::Field("reasoning_content"))
            }
            "openrouter" | "together" | "cerebras" | "sambanova" | "vllm" | "ollama" => {
                (ChunkWithoutChoices, Thought::Field("reasoning"))
            }
            _ => (ChunkWithoutChoices, Thought::None),
        };
        Self {
            provider,
            usage,
            thought,
            whole_tool_calls: matches!(provider.name(), "mistral" | "gemini" | "vertex" | "ollama"),
            comments: matches!(provider.name(), "openrouter" | "deepseek"),
            begins_without_choices: provider.name() == "azure-openai",
        }
    }

    pub(crate) fn stream_type(self) -> &'static str {
        match self.provider.format() {
            UpstreamFormat::Bedrock => "application/vnd.amazon.eventstream",
            UpstreamFormat::OpenAi | UpstreamFormat::Anthropic => "text/event-stream",
        }
    }

    /// An answer in JSON.
    pub(crate) fn answer(self, content: Content) -> Value {
        match self.provider.format() {
            UpstreamFormat::OpenAi => self.chat_answer(content),
            UpstreamFormat::Anthropic => anthropic_answer(content),
            UpstreamFormat::Bedrock => bedrock_answer(content),
        }
    }

    /// The bytes of a stream.
    pub(crate) fn stream(self, content: Content) -> Vec<u8> {
        match self.provider.format() {
            UpstreamFormat::OpenAi => self.chat_stream(content),
            UpstreamFormat::Anthropic => anthropic_stream(content),
            UpstreamFormat::Bedrock => bedrock_stream(content),
        }
    }

    fn chat_answer(self, content: Content) -> Value {
        let mut message = json!({"role": "assistant"});
        match content {
            Content::Text => message["content"] = TEXT.into(),
            Content::ToolCall => {
                message["content"] = Value::Null;
                message["tool_calls"] = json!([{"id": "call_1", "type": "function",
                    "function": {"name": TOOL, "arguments": arguments().to_string()}}]);
            }
        }
        match self.thought {
            Thought::None => {}
            Thought::Field(name) => message[name] = THOUGHT.into(),
            Thought::Parts | Thought::Summaries => {
                let thought = self.thought_part();
                message["content"] = match content {
                    Content::Text => json!([thought, {"type": "text", "text": TEXT}]),
                    Content::ToolCall => json!([thought]),
                };
            }
        }
        json!({"id": "c1", "object": "chat.completion", "created": 1_700_000_000, "model": "some-model",
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason(content)}],
            "usage": usage()})
    }

    fn chat_stream(self, content: Content) -> Vec<u8> {
        let mut chunks = Vec::new();
        if self.begins_without_choices {
            chunks.push(
                json!({"choices": [], "created": 0, "id": "", "model": "", "object": "",
                "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}),
            );
        }
        let delta =
            |delta: Value| chunk(&json!([{"index": 0, "delta": delta, "finish_reason": null}]));
        chunks.push(delta(json!({"role": "assistant", "content": ""})));
        match self.thought {
            Thought::None => {}
            Thought::Field(name) => chunks.push(delta(json!({name: THOUGHT}))),
            Thought::Parts | Thought::Summaries => {
                chunks.push(delta(json!({"content": [self.thought_part()]})));
            }
        }
        match content {
            Content::Text => {
                let (begin, end) = TEXT.split_at(5);
                chunks.push(delta(json!({"content": begin})));
                chunks.push(delta(json!({"content": end})));
            }
            Content::ToolCall => chunks.extend(self.tool_call_deltas().into_iter().map(delta)),
        }
        let mut last =
            chunk(&json!([{"index": 0, "delta": {}, "finish_reason": finish_reason(content)}]));
        match self.usage {
            StreamUsage::ChunkWithoutChoices => {}
            StreamUsage::LastContentChunk => last["usage"] = usage(),
            StreamUsage::XGroq => last["x_groq"] = json!({"id": "req_1", "usage": usage()}),
            StreamUsage::FirstChoice => last["choices"][0]["usage"] = usage(),
            StreamUsage::EveryChunk => {
                for (number, chunk) in chunks.iter_mut().enumerate() {
                    chunk["usage"] = json!({"prompt_tokens": PROMPT_TOKENS, "completion_tokens": number, "total_tokens": 0});
                }
                last["usage"] = usage();
            }
        }
        chunks.push(last);
        if self.usage == StreamUsage::ChunkWithoutChoices {
            let mut told = chunk(&json!([]));
            told["usage"] = usage();
            chunks.push(told);
        }
        let mut stream = String::new();
        for chunk in chunks {
            if self.comments {
                stream += ": keep-alive\n\n";
            }
            stream += &format!("data: {chunk}\n\n");
        }
        (stream + "data: [DONE]\n\n").into_bytes()
    }

    /// A part of `content`.
    fn thought_part(self) -> Value {
        match self.thought {
            Thought::Summaries => {
                json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": THOUGHT}]})
            }
            Thought::None | Thought::Field(_) | Thought::Parts => {
                json!({"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]})
            }
        }
    }

    fn tool_call_deltas(self) -> Vec<Value> {
        let text = arguments().to_string();
        let function = |arguments: &str| json!({"name": TOOL, "arguments": arguments});
        let begin = |arguments: &str| json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function(arguments)}]});
        if self.whole_tool_calls {
            return vec![begin(&text)];
        }
        let (first, second) = text.split_at(7);
        let more = |arguments: &str| json!({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]});
        vec![begin(""), more(first), more(second)]
    }
}

fn usage() -> Value {
    json!({"prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS,
        "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS})
}

fn finish_reason(content: Content) -> &'static str {
    match content {
        Content::Text => "stop",
        Content::ToolCall => "tool_calls",
    }
}

fn chunk(choices: &Value) -> Value {
    json!({"id": "c1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "some-model", "choices": choices})
}

fn anthropic_answer(content: Content) -> Value {
    let (block, reason) = match content {
        Content::Text => (json!({"type": "text", "text": TEXT}), "end_turn"),
        Content::ToolCall => {
            let block =
                json!({"type": "tool_use", "id": "toolu_1", "name": TOOL, "input": arguments()});
            (block, "tool_use")
        }
    };
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "some-model", "content": [block],
        "stop_reason": reason, "stop_sequence": null,
        "usage": {"input_tokens": PROMPT_TOKENS, "output_tokens": COMPLETION_TOKENS}})
}

fn anthropic_stream(content: Content) -> Vec<u8> {
    let start = json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "model": "some-model", "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": PROMPT_TOKENS, "output_tokens": 1}}});
    let text = arguments().to_string();
    let (block, deltas, reason) = match content {
        Content::Text => {
            let (begin, end) = TEXT.split_at(5);
            let delta = |text: &str| json!({"type": "text_delta", "text": text});
            (
                json!({"type": "text", "text": ""}),
                [delta(begin), delta(end)],
                "end_turn",
            )
        }
        Content::ToolCall => {
            let (begin, end) = text.split_at(7);
            let delta = |json: &str| json!({"type": "input_json_delta", "partial_json": json});
            let block = json!({"type": "tool_use", "id": "toolu_1", "name": TOOL, "input": {}});
            (block, [delta(begin), delta(end)], "tool_use")
        }
    };
    let mut events = vec![
        start,
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "ping"}),
    ];
    events.extend(
        deltas.map(|delta| json!({"type": "content_block_delta", "index": 0, "delta": delta})),
    );
    events.push(json!({"type": "content_block_stop", "index": 0}));
    events.push(
        json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
        "usage": {"output_tokens": COMPLETION_TOKENS}}),
    );
    events.push(json!({"type": "message_stop"}));
    let lines = events.iter().map(|event| {
        format!(
            "event: {}\ndata: {event}\n\n",
            event["type"].as_str().unwrap()
        )
    });
    lines.collect::<String>().into_bytes()
}

fn bedrock_usage() -> Value {
    json!({"inputTokens": PROMPT_TOKENS, "outputTokens": COMPLETION_TOKENS,
        "totalTokens": PROMPT_TOKENS + COMPLETION_TOKENS})
}

fn bedrock_answer(content: Content) -> Value {
    let (block, reason) = match content {
        Content::Text => (json!({"text": TEXT}), "end_turn"),
        Content::ToolCall => (
            json!({"toolUse": {"toolUseId": "tooluse_1", "name": TOOL, "input": arguments()}}),
            "tool_use",
        ),
    };
    json!({"output": {"message": {"role": "assistant", "content": [block]}}, "stopReason": reason,
        "usage": bedrock_usage(), "metrics": {"latencyMs": 100}})
}

fn bedrock_stream(content: Content) -> Vec<u8> {
    let text = arguments().to_string();
    let delta = |delta: Value| {
        format!(
            "contentBlockDelta {}\n",
            json!({"contentBlockIndex": 0, "delta": delta})
        )
    };
    let (start, deltas, reason) = match content {
        Content::Text => {
            let (begin, end) = TEXT.split_at(5);
            (
                String::new(),
                delta(json!({"text": begin})) + &delta(json!({"text": end})),
                "end_turn",
            )
        }
        Content::ToolCall => {
            let (begin, end) = text.split_at(7);
            let start = json!({"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "tooluse_1", "name": TOOL}}});
            let part = |json: &str| delta(json!({"toolUse": {"input": json}}));
            (
                format!("contentBlockStart {start}\n"),
                part(begin) + &part(end),
                "tool_use",
            )
        }
    };
    let metadata = json!({"usage": bedrock_usage(), "metrics": {"latencyMs": 100}});
    frames::encode_all(&format!(
        "messageStart {}\n{start}{deltas}contentBlockStop {}\nmessageStop {}\nmetadata {metadata}\n",
        json!({"role": "assistant"}),
        json!({"contentBlockIndex": 0}),
        json!({"stopReason": reason})
    ))
}
