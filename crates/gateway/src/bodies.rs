//! Requests to the hub's own services while they are taken in. tonic gathers a message whole before
//! anybody looks at it; what all callers together make it gather is bounded here.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

/// Of what others leave, one request may hold this part: a few large ones do not keep out the small.
const SHARE: u64 = 4;

/// What requests may hold together, and do.
#[derive(Clone, Debug)]
pub struct Bodies(Arc<Total>);

#[derive(Debug)]
struct Total {
    bytes_max: u64,
    held: AtomicU64,
}

/// What one request has brought; given back when dropped, which is for whoever answers it to do.
#[derive(Clone, Debug)]
pub struct Held(Arc<Share>);

#[derive(Debug)]
struct Share {
    total: Arc<Total>,
    held: AtomicU64,
}

/// A request's body whose bytes count.
struct Counted<B> {
    body: B,
    held: Held,
}

impl Bodies {
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        Self(Arc::new(Total {
            bytes_max,
            held: AtomicU64::new(0),
        }))
    }

    /// The same body, which ends in `RESOURCE_EXHAUSTED` where there is no room for it.
    pub fn hold<B>(&self, body: B) -> (tonic::body::Body, Held)
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let held = Held(Arc::new(Share {
            total: Arc::clone(&self.0),
            held: AtomicU64::new(0),
        }));
        let counted = Counted {
            body,
            held: held.clone(),
        };
        (tonic::body::Body::new(counted), held)
    }
}

impl Held {
    fn add(&self, bytes: usize) -> Result<(), Status> {
        let Share { total, held } = &*self.0;
        let bytes = bytes as u64;
        // Told from one thread only: a request is read by one.
        let wanted = held.load(Ordering::Relaxed) + bytes;
        let taken = total
            .held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |all| {
                let others = all + bytes - wanted;
                let left = total.bytes_max.saturating_sub(others);
                (wanted <= left / SHARE).then_some(all + bytes)
            });
        if taken.is_err() {
            return Err(Status::resource_exhausted(format!(
                "requests to the hub's own services may hold {} bytes together, and one a part of \
                 what is left; ask again, or for less at once",
                total.bytes_max
            )));
        }
        held.store(wanted, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let held = self.held.load(Ordering::Relaxed);
        self.total.held.fetch_sub(held, Ordering::Relaxed);
    }
}

impl<B> Body for Counted<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(Into::into)?;
            if let Some(data) = frame.data_ref() {
                self.held.add(data.len())?;
            }
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tonic::Code;

    use super::*;

    /// Ten bytes, and then so many more.
    struct Brings(Vec<Bytes>);

    impl Body for Brings {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Ready(self.0.pop().map(|it| Ok(Frame::data(it))))
        }
    }

    /// Reads a piece of the body; whether it was let in.
    fn read(body: &mut tonic::body::Body) -> Result<(), Code> {
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(body).poll_frame(&mut cx) {
            Poll::Ready(Some(Ok(_))) => Ok(()),
            Poll::Ready(Some(Err(status))) => Err(status.code()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn requests_that_are_too_large_together_are_refused_and_small_ones_are_not() {
        let bodies = Bodies::new(400);
        let brings = |bytes: usize| Brings(vec![Bytes::from(vec![0; bytes]); 3]);
        let (mut first, first_held) = bodies.hold(brings(50));
        assert_eq!(read(&mut first), Ok(()));
        assert_eq!(read(&mut first), Ok(()));
        // A quarter of all is what one may hold.
        assert_eq!(read(&mut first), Err(Code::ResourceExhausted));
        let (mut second, _second_held) = bodies.hold(brings(80));
        assert_eq!(read(&mut second), Err(Code::ResourceExhausted));
        let (mut third, third_held) = bodies.hold(brings(70));
        assert_eq!(read(&mut third), Ok(()));
        let (mut small, _small_held) = bodies.hold(brings(10));
        assert_eq!(read(&mut small), Ok(()));
        // What was read is held until it is answered, and what was refused is not.
        drop((first, third));
        assert_eq!(read(&mut second), Err(Code::ResourceExhausted));
        drop((first_held, third_held));
        let (mut fourth, _fourth_held) = bodies.hold(brings(90));
        assert_eq!(read(&mut fourth), Ok(()));
    }
}
