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
    announced: u64,
}

impl TornBody {
    pub(crate) fn half_of(whole: &Bytes) -> Self {
        let announced = u64::try_from(whole.len()).unwrap_or(u64::MAX);
        Self { half: Some(whole.slice(..whole.len() / 2)), announced }
    }
}

impl Body for TornBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let torn = || io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer");
        Poll::Ready(Some(self.half.take().map(Frame::data).ok_or_else(torn)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}
