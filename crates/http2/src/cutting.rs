//! Cuts what was read from a socket into frames.

use bytes::Bytes;

use crate::backlog::THIN_BYTES;
use crate::error::Reason;
use crate::frame::{HEAD_BYTES, Head, PAYLOAD_BYTES_MAX, kind};
use crate::state::{Breach, State};

/// A frame of which not all has come. Its beginning stays in the buffer that it was read into, if it takes
/// half of that.
#[derive(Debug, Default)]
pub struct Partial {
    buffer: Vec<u8>,
    /// Where it begins.
    from: usize,
}

impl Partial {
    /// Takes in the bytes that were `read` into a buffer, of which nothing is left where it is kept.
    pub fn take_in(
        &mut self,
        state: &mut State,
        buffer: &mut Vec<u8>,
        read: usize,
    ) -> Result<(), Breach> {
        let bytes = buffer.get(..read).unwrap_or_default();
        let behind = self.complete(state, bytes)?;
        let rest = pass_whole(state, behind)?;
        if rest.is_empty() {
            return Ok(());
        }
        if rest.len() < buffer.capacity() / 2 {
            return self.complete_with(state, rest).map(drop);
        }
        self.from = read - rest.len();
        self.buffer = std::mem::take(buffer);
        self.buffer.truncate(read);
        Ok(())
    }

    fn frame(&self) -> &[u8] {
        self.buffer.get(self.from..).unwrap_or_default()
    }

    /// Completes the frame that has begun, if there is one; returns what stands behind.
    fn complete<'a>(&mut self, state: &mut State, mut bytes: &'a [u8]) -> Result<&'a [u8], Breach> {
        while !self.frame().is_empty() && !bytes.is_empty() {
            bytes = self.complete_with(state, bytes)?;
        }
        Ok(bytes)
    }

    /// Takes as many bytes as it is known that the frame has: its head, or the rest of it.
    fn complete_with<'a>(
        &mut self,
        state: &mut State,
        bytes: &'a [u8],
    ) -> Result<&'a [u8], Breach> {
        let begun = match self.frame() {
            [] => bytes,
            frame => frame,
        };
        let head = match begun.first_chunk() {
            Some(head) => Some(read_head(head)?),
            None => None,
        };
        let whole = HEAD_BYTES + head.map_or(0, |head| head.length);
        let wanted = whole.saturating_sub(self.frame().len());
        let (now, behind) = bytes.split_at(wanted.min(bytes.len()));
        self.buffer.reserve_exact(wanted);
        self.buffer.extend_from_slice(now);
        if let Some(head) = head.or_else(|| empty_frame(self.frame()))
            && self.frame().len() == HEAD_BYTES + head.length
        {
            std::mem::take(self).receive(state, head)?;
        }
        Ok(behind)
    }

    /// All has come. Content may stay in the buffer that it stands in.
    fn receive(self, state: &mut State, head: Head) -> Result<(), Breach> {
        if head.kind != kind::DATA || head.length < THIN_BYTES {
            let payload = self.frame().get(HEAD_BYTES..).unwrap_or_default();
            return state.receive(head, payload, None);
        }
        let payload = Bytes::from(self.buffer).split_off(self.from + HEAD_BYTES);
        state.receive(head, &payload, Some(payload.clone()))
    }
}

/// Hands over the frames that have come whole; returns what stands behind them.
fn pass_whole<'a>(state: &mut State, mut bytes: &'a [u8]) -> Result<&'a [u8], Breach> {
    while let Some((head, behind)) = bytes.split_first_chunk() {
        let head = read_head(head)?;
        let Some((payload, behind)) = behind.split_at_checked(head.length) else {
            break;
        };
        state.receive(head, payload, None)?;
        bytes = behind;
    }
    Ok(bytes)
}

/// The head that was completed just now, if nothing follows it.
fn empty_frame(frame: &[u8]) -> Option<Head> {
    let head = Head::read(frame.first_chunk()?);
    (head.length == 0).then_some(head)
}

fn read_head(bytes: &[u8; HEAD_BYTES]) -> Result<Head, Breach> {
    let head = Head::read(bytes);
    match head.length <= PAYLOAD_BYTES_MAX {
        true => Ok(head),
        false => Err((Reason::FRAME_SIZE_ERROR, "a frame is larger than allowed")),
    }
}
