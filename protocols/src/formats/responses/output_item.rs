//! Items of a response's `output`.

use crate::formats::responses::client_tools::{ClientTool, ToolKind};
use crate::formats::responses::signature::encrypted_content;
use crate::json::{Text, Writer};
use crate::translator::Attempt;

/// One item. Texts are pieces to be concatenated.
#[derive(Debug, Clone)]
pub(crate) enum OutputItem<'a> {
    Reasoning {
        summary: &'a [Text<'a>],
        signature: Option<Text<'a>>,
    },
    Message(Vec<OutputPart<'a>>),
    FunctionCall {
        call_id: Text<'a>,
        name: Text<'a>,
        /// `None` for a call that has only begun.
        arguments: Option<Text<'a>>,
        /// What the client calls it, if it is not simply a function.
        tool: Option<&'a ClientTool>,
    },
}

/// A part of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutputPart<'a> {
    pub(crate) kind: PartKind,
    pub(crate) text: &'a [Text<'a>],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartKind {
    Text,
    Refusal,
}

/// `status` of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemStatus {
    InProgress,
    Completed,
    Incomplete,
}

/// The prefix of an item's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemKind {
    Reasoning,
    Message,
    Call(ToolKind),
}

impl ItemKind {
    /// The id of an item of this kind at `index` of the output.
    pub(crate) fn id(self, attempt: &Attempt, index: usize) -> String {
        let kind = match self {
            Self::Reasoning => "rs",
            Self::Message => "msg",
            Self::Call(kind) => kind.id_prefix(),
        };
        format!("{kind}_{}_{index}", attempt.request_id)
    }
}

impl ItemStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
        }
    }
}

impl OutputItem<'_> {
    pub(crate) fn kind(&self) -> ItemKind {
        match self {
            Self::Reasoning { .. } => ItemKind::Reasoning,
            Self::Message(_) => ItemKind::Message,
            Self::FunctionCall { tool, .. } => {
                ItemKind::Call(tool.map_or(ToolKind::Function, |tool| tool.kind))
            }
        }
    }

    /// Writes the item.
    pub(crate) fn write(&self, id: &str, status: ItemStatus, w: &mut Writer<'_>) {
        w.object(|w| {
            w.field("id").string(id);
            match self {
                Self::Reasoning { summary, signature } => {
                    w.field("type").string("reasoning");
                    w.field("summary").array(|w| {
                        if summary.iter().any(|piece| !piece.is_empty()) {
                            write_summary(w, summary);
                        }
                    });
                    if let Some(signature) = signature {
                        w.field("encrypted_content")
                            .joined(encrypted_content(*signature));
                    }
                }
                Self::Message(parts) => {
                    w.field("type").string("message");
                    w.field("role").string("assistant");
                    w.field("content").array(|w| {
                        for part in parts {
                            part.write(w);
                        }
                    });
                }
                Self::FunctionCall {
                    call_id,
                    name,
                    arguments,
                    tool,
                } => write_call(w, *call_id, *name, *arguments, *tool),
            }
            w.field("status").string(status.as_str());
        });
    }
}

impl OutputPart<'_> {
    /// Writes the part.
    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        w.object(|w| match self.kind {
            PartKind::Text => {
                w.field("type").string("output_text");
                w.field("text").joined(self.text.iter().copied());
                w.field("annotations").array(|_| {});
                w.field("logprobs").array(|_| {});
            }
            PartKind::Refusal => {
                w.field("type").string("refusal");
                w.field("refusal").joined(self.text.iter().copied());
            }
        });
    }
}

/// Writes a call as its kind of tool has it. Arguments that it cannot hold stay those of a function, so that the client
/// sees what the model said.
fn write_call(
    w: &mut Writer<'_>,
    call_id: Text<'_>,
    function: Text<'_>,
    arguments: Option<Text<'_>>,
    tool: Option<&ClientTool>,
) {
    let kind = tool.map_or(ToolKind::Function, |tool| tool.kind);
    let fits = arguments.is_none_or(|arguments| kind.fits(arguments));
    let kind = if fits { kind } else { ToolKind::Function };
    w.field("type").string(kind.call_type());
    w.field("call_id").text(call_id);
    match kind {
        ToolKind::Function | ToolKind::Custom => {
            if let Some(namespace) = tool.and_then(|tool| tool.namespace.as_deref()) {
                w.field("namespace").string(namespace);
            }
            match tool {
                Some(tool) => w.field("name").string(&tool.name),
                None => w.field("name").text(function),
            }
        }
        ToolKind::LocalShell | ToolKind::Shell | ToolKind::ApplyPatch | ToolKind::ToolSearch => {}
    }
    match arguments {
        Some(arguments) => kind.write_arguments(arguments, w),
        None => kind.write_no_arguments(w),
    }
}

/// Writes a summary with one part.
pub(crate) fn write_summary(w: &mut Writer<'_>, summary: &[Text<'_>]) {
    w.object(|w| {
        w.field("type").string("summary_text");
        w.field("text").joined(summary.iter().copied());
    });
}
