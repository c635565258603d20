//! A body whose connection breaks in the middle.

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The first half of a document, and then an error.
#[derive(Debug)]
pub(crate) struct TornBody {
    half: Option<Bytes>,
    rested: bool,
    announced: u64,
}

impl TornBody {
    pub(crate) fn half_of(whole: &Bytes) -> Self {
        let announced = u64::try_from(whole.len()).unwrap_or(u64::MAX);
        Self { half: Some(whole.slice(..whole.len() / 2)), rested: false, announced }
    }
}

impl Body for TornBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if !self.rested {
            // A server writes out what it has when the body lets it wait; an error at once would swallow the half.
            self.rested = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let torn = io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer");
        Poll::Ready(Some(Err(torn)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}
