//! What has been read from one side of a call and not been taken by the other yet. Flow control
//! bounds its bytes; joining bounds what they cost: a piece of a few bytes holds the whole buffer
//! that it was read in, and a peer may send nothing but such pieces.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::frame::PAYLOAD_BYTES_MAX;

/// Pieces below this are thin: half a frame, so that whatever waits is at most doubled by the
/// buffers that it stands in.
pub const THIN_BYTES: usize = PAYLOAD_BYTES_MAX / 2;

/// Pieces in their order; thin ones are joined while they wait behind others.
#[derive(Clone, Debug, Default)]
pub struct Backlog {
    /// Most calls have no other. Empty when there are none at all.
    first: Bytes,
    further: VecDeque<Bytes>,
    /// Behind the last piece.
    joined: BytesMut,
}

impl Backlog {
    pub fn push(&mut self, piece: Bytes) {
        if piece.len() < THIN_BYTES && !self.is_empty() {
            self.joined.extend_from_slice(&piece);
            if self.joined.len() >= THIN_BYTES {
                self.end_joining();
            }
            return;
        }
        self.end_joining();
        self.append(piece);
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.joined.is_empty()
    }

    /// Bytes of the piece that is next; 0 when there is none.
    #[must_use]
    pub fn next_bytes(&self) -> usize {
        match self.first.len() {
            0 => self.joined.len(),
            bytes => bytes,
        }
    }

    /// Takes the next piece, or so many bytes of it.
    pub fn take(&mut self, bytes_max: usize) -> Bytes {
        if self.first.is_empty() {
            self.end_joining();
        }
        let taken = self.first.split_to(bytes_max.min(self.first.len()));
        if self.first.is_empty() {
            self.first = self.further.pop_front().unwrap_or_default();
        }
        taken
    }

    /// All that waits, in order.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let whole = std::iter::once(&self.first).chain(&self.further);
        whole.map(AsRef::as_ref).chain([&*self.joined])
    }

    fn end_joining(&mut self) {
        if !self.joined.is_empty() {
            let joined = self.joined.split().freeze();
            self.append(joined);
        }
    }

    fn append(&mut self, piece: Bytes) {
        if self.first.is_empty() {
            self.first = piece;
        } else if !piece.is_empty() {
            self.further.push_back(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes pieces of these sizes, takes pieces of at most so many bytes, and tells the sizes taken.
    #[track_caller]
    fn check(pushed: &[usize], bytes_max: usize, expected: &[usize]) {
        let whole: Vec<u8> = (0_u8..=255).cycle().take(pushed.iter().sum()).collect();
        let mut backlog = Backlog::default();
        let mut rest = Bytes::from(whole.clone());
        for size in pushed {
            backlog.push(rest.split_to(*size));
        }
        let (mut sizes, mut seen) = (Vec::new(), Vec::new());
        while !backlog.is_empty() {
            let next = backlog.next_bytes();
            let piece = backlog.take(bytes_max);
            assert_eq!(piece.len(), next.min(bytes_max));
            sizes.push(piece.len());
            seen.extend(piece);
        }
        assert_eq!(sizes, expected);
        assert_eq!(seen, whole);
        assert!(backlog.take(1).is_empty());
    }

    #[test]
    fn thin_pieces_are_joined_behind_others_and_nothing_changes_its_place() {
        const T: usize = THIN_BYTES;
        const ANY: usize = usize::MAX;
        check(&[], ANY, &[]);
        check(&[0, 0], ANY, &[]);
        check(&[5], ANY, &[5]);
        check(&[5, 5, 5], ANY, &[5, 10]);
        check(&[T, T], ANY, &[T, T]);
        check(&[5, T, 5, 5], ANY, &[5, T, 10]);
        check(&[5, 5, T, 5], ANY, &[5, 5, T, 5]);
        check(&[5, T - 1, 2], ANY, &[5, T + 1]);
        check(&[5, T - 2, 2, 1], ANY, &[5, T, 1]);
        check(&[10, 7, 7], 4, &[4, 4, 2, 4, 4, 4, 2]);
    }

    #[test]
    fn a_window_of_single_bytes_is_a_window_of_bytes() {
        let buffers = 256 * 1024;
        let mut backlog = Backlog::default();
        for _ in 0..buffers {
            backlog.push(Bytes::from_static(b"x"));
        }
        assert!(backlog.further.len() <= buffers / THIN_BYTES);
    }
}
