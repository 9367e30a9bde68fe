//! A request's body: read piece by piece as it comes, or at once when it is complete.

use std::borrow::Cow;
use std::ops::Range;

use ingress::{BodyView, ScannedChunks};
use protocols::{Body, ClientFormat, request_info};

use crate::config::GatewayConfig;
use crate::control::Control;
use crate::host::{Host, PIECE_BYTES};
use crate::upstream_filter::LONGEST_START;

/// How far a body has been read that is still coming in.
#[derive(Debug, Default)]
pub(super) enum Reading {
    /// There has been less than a piece of it.
    #[default]
    Waiting,
    InPieces(Box<ScannedChunks>),
    /// It is read when it is complete.
    Whole,
}

/// A complete body, or what planning needs of it.
pub(super) enum Held {
    Whole(Vec<u8>),
    ScannedChunks {
        pieces: Box<ScannedChunks>,
        /// Of the whole body.
        size: usize,
    },
}

/// Where to put the pieces of a body. `None` where somebody reads all of it.
pub(super) fn pieces(control: &Control, config: &GatewayConfig) -> Option<ScannedChunks> {
    if config.guardrails.is_some() || config.policy.gateway.log_bodies {
        return None;
    }
    config.ingress.scan_in_chunks(control.has_budgets())
}

impl Reading {
    /// `size` bytes of the body are there now. `begin` says where to put its pieces, if anywhere.
    pub(super) fn go_on(
        &mut self,
        host: &impl Host,
        size: usize,
        end_of_stream: bool,
        begin: impl FnOnce() -> Option<ScannedChunks>,
    ) {
        if matches!(self, Self::Waiting) && size >= PIECE_BYTES {
            *self = begin().map_or(Self::Whole, |pieces| Self::InPieces(Box::new(pieces)));
        }
        if let Self::InPieces(pieces) = self
            && !take_pieces(host, pieces, size, end_of_stream)
        {
            *self = Self::Whole;
        }
    }
}

/// Takes what there is, but for less than a piece. `false` where the body has to be read whole.
fn take_pieces(
    host: &impl Host,
    pieces: &mut ScannedChunks,
    size: usize,
    end_of_stream: bool,
) -> bool {
    loop {
        let taken = pieces.taken();
        let left = size.saturating_sub(taken);
        if left == 0 || (left < PIECE_BYTES && !end_of_stream) {
            return true;
        }
        let Ok(piece) = host.request_body(taken, left.min(PIECE_BYTES)) else {
            return false;
        };
        if !pieces.take(&piece) || pieces.taken() == taken {
            return false;
        }
    }
}

impl Held {
    /// A body of `size` bytes, now that it is complete. Whatever is wrong with it is told of the whole one, and so are its
    /// tokens, where they were not counted from the first piece on.
    pub(super) fn of(
        host: &impl Host,
        reading: Reading,
        client: ClientFormat,
        size: usize,
        needs_tokens: bool,
    ) -> Self {
        match reading {
            Reading::InPieces(pieces)
                if pieces.taken() == size
                    && (pieces.counts_tokens() || !needs_tokens)
                    && request_info::scan(client, pieces.body()).is_ok() =>
            {
                Self::ScannedChunks { pieces, size }
            }
            Reading::Waiting | Reading::InPieces(_) | Reading::Whole => Self::whole(host, size),
        }
    }

    fn whole(host: &impl Host, size: usize) -> Self {
        Self::Whole(if size == 0 {
            Vec::new()
        } else {
            host.request_body(0, size).unwrap_or_default()
        })
    }

    pub(super) fn kept(&self) -> BodyView<'_> {
        match self {
            Self::Whole(body) => BodyView::Whole(body),
            Self::ScannedChunks { pieces, .. } => BodyView::Scanned(pieces),
        }
    }

    pub(super) fn body(&self) -> Body<'_> {
        self.kept().body()
    }

    /// The whole body, where it is at hand.
    pub(super) fn whole_body(&self) -> Option<&[u8]> {
        match self {
            Self::Whole(body) => Some(body),
            Self::ScannedChunks { .. } => None,
        }
    }

    /// What stands at `span` of the whole body.
    pub(super) fn get(&self, host: &impl Host, span: &Range<usize>) -> Cow<'_, [u8]> {
        match self {
            Self::Whole(body) => Cow::Borrowed(body.get(span.clone()).unwrap_or_default()),
            Self::ScannedChunks { .. } => Cow::Owned(
                host.request_body(span.start, span.len())
                    .unwrap_or_default(),
            ),
        }
    }

    /// Bytes of the whole body.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Whole(body) => body.len(),
            Self::ScannedChunks { size, .. } => *size,
        }
    }

    /// The beginning of the whole body: all of it, or as much as may be written anew by itself.
    pub(super) fn start(&self) -> &[u8] {
        match self {
            Self::Whole(body) => body,
            Self::ScannedChunks { pieces, .. } => {
                let start = pieces.body().start();
                start.get(..LONGEST_START).unwrap_or(start)
            }
        }
    }
}
