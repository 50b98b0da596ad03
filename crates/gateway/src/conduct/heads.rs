//! The heads of HTTP/2 frames, followed through bytes that come in pieces of any size. Nothing is
//! decoded or judged here beyond the nine bytes that every frame begins with; what does not make
//! sense is for the HTTP/2 machinery to refuse.

/// Length (3 bytes), kind, flags, stream (4 bytes).
const HEAD_BYTES: usize = 9;
/// What a client says first, before its first frame: RFC 9113, section 3.4.
const PREFACE_BYTES: usize = 24;

const DATA: u8 = 0x0;
const CONTINUATION: u8 = 0x9;
const END_STREAM: u8 = 0x1;

/// Where in the stream of frames the last byte stood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads {
    head: [u8; HEAD_BYTES],
    filled: usize,
    /// Bytes until the next head.
    skip: usize,
}

/// Frames that have begun.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Begun {
    pub frames: usize,
    /// Of them, those that carry nothing of a call's content.
    pub beside: u64,
    /// Bytes, of these frames and of the one before, that are decoded: all but those of messages.
    pub decoded_bytes: usize,
}

impl Heads {
    /// Of a client, which begins with the preface.
    pub(super) fn of_client() -> Self {
        Self {
            skip: PREFACE_BYTES,
            ..Self::of_server()
        }
    }

    pub(super) fn of_server() -> Self {
        Self {
            head: [0; HEAD_BYTES],
            filled: 0,
            skip: 0,
        }
    }

    /// Which frames begin in these bytes.
    pub(super) fn count(&mut self, mut bytes: &[u8]) -> Begun {
        let mut counted = Begun::default();
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            let [_, _, _, kind, ..] = self.head;
            if kind != DATA {
                counted.decoded_bytes += skipped;
            }
            bytes = bytes.get(skipped..).unwrap_or_default();
            if bytes.is_empty() {
                return counted;
            }
            let wanted = HEAD_BYTES - self.filled;
            let (now, rest) = bytes.split_at(wanted.min(bytes.len()));
            for (to, from) in self.head.iter_mut().skip(self.filled).zip(now) {
                *to = *from;
            }
            self.filled += now.len();
            bytes = rest;
            if self.filled == HEAD_BYTES {
                self.filled = 0;
                let [a, b, c, kind, flags, ..] = self.head;
                let length = u32::from_be_bytes([0, a, b, c]);
                self.skip = usize::try_from(length).unwrap_or(usize::MAX);
                counted.frames += 1;
                counted.beside += u64::from(is_beside(kind, flags, length));
            }
        }
    }
}

/// DATA with content is bounded by flow control, CONTINUATION by the size of header lists.
/// Everything else costs work and is bounded by nothing.
fn is_beside(kind: u8, flags: u8, length: u32) -> bool {
    match kind {
        DATA => length == 0 && flags & END_STREAM == 0,
        CONTINUATION => false,
        _ => true,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn frame(kind: u8, flags: u8, length: usize) -> Vec<u8> {
        let size = u32::try_from(length).unwrap().to_be_bytes();
        let head = [size[1], size[2], size[3], kind, flags, 0, 0, 0, 1];
        [head.to_vec(), vec![kind; length]].concat()
    }

    /// The count is the same in whatever pieces the bytes come.
    #[track_caller]
    fn check(heads: Heads, bytes: &[u8], expected: u64) {
        let whole = { heads }.count(bytes);
        assert_eq!(whole.beside, expected, "{bytes:?}");
        for piece in [1, 2, 7, 9, 10, 64] {
            let mut heads = heads;
            let mut found = Begun::default();
            for begun in bytes.chunks(piece).map(|piece| heads.count(piece)) {
                found.frames += begun.frames;
                found.beside += begun.beside;
                found.decoded_bytes += begun.decoded_bytes;
            }
            assert_eq!(found, whole, "{bytes:?} in pieces of {piece}");
        }
    }

    #[test]
    fn frames_without_content_are_counted() {
        let rows = [
            ("DATA", frame(0, 0, 100), 0),
            ("the end of a stream", frame(0, 1, 0), 0),
            ("DATA without content", frame(0, 0, 0), 1),
            ("DATA without content but padding", frame(0, 8, 0), 1),
            ("HEADERS", frame(1, 5, 40), 1),
            ("PRIORITY", frame(2, 0, 5), 1),
            ("RST_STREAM", frame(3, 0, 4), 1),
            ("SETTINGS", frame(4, 0, 36), 1),
            ("PING", frame(6, 0, 8), 1),
            ("WINDOW_UPDATE", frame(8, 0, 4), 1),
            ("CONTINUATION", frame(9, 0, 16_384), 0),
            ("a kind that nobody knows", frame(0xee, 0, 300), 1),
        ];
        let all = rows.iter().flat_map(|(_, bytes, _)| bytes.clone());
        let sum = rows.iter().map(|(_, _, counted)| counted).sum();
        check(Heads::of_server(), &all.collect::<Vec<_>>(), sum);
        for (what, bytes, counted) in rows {
            let content = if bytes[3] == DATA {
                bytes.len()
            } else {
                HEAD_BYTES
            };
            let begun = Begun {
                frames: 1,
                beside: counted,
                decoded_bytes: bytes.len() - content,
            };
            assert_eq!(Heads::of_server().count(&bytes), begun, "{what}");
            check(Heads::of_server(), &bytes, counted);
        }
    }

    #[test]
    fn a_clients_preface_is_no_frame() {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        check(Heads::of_client(), preface, 0);
        check(
            Heads::of_client(),
            &[&preface[..], &frame(4, 0, 0)].concat(),
            1,
        );
    }

    #[test]
    fn the_longest_frame_that_can_be_announced_is_skipped() {
        let mut heads = Heads::of_server();
        assert_eq!(heads.count(&[0xff, 0xff, 0xff, 6, 0, 0, 0, 0, 0]).frames, 1);
        assert_eq!(heads.count(&vec![0; (1 << 24) - 1]).frames, 0);
        assert_eq!(heads.count(&frame(6, 0, 8)).frames, 1);
    }
}
