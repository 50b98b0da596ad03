//! How the frames of a block are packed: taken apart into columns of values of one meaning, each
//! compressed apart from the others. Digests, ids and trace ids are random and cost what they are;
//! whatever else stands between them would keep zstd from finding that it repeats.
//!
//! # Packed block, to the byte
//!
//! A *varint* is that of protobuf, in its shortest form. A *stream* is `varint n`, the number of its
//! bytes; for n > 0 follow `varint m` and m bytes: the stream itself when m = n, and else one zstd
//! frame (RFC 8878) that holds it. A *run of numbers* is a byte w and w streams of one byte for each
//! number, the lowest bytes first; w = 0 means that all of them are 0, and 16 added to w that each
//! number is what has to be added, modulo 2^64, to the one before (0 before the first).
//!
//! The first byte says how:
//!
//! - 0: one stream follows, which is the frames as they are.
//! - 1: columns follow, in this order:
//!   1. a stream: *shapes*, see below, in the order in which frames first have them;
//!   2. numbers: for each frame its shape, counted from 0;
//!   3. numbers: for each frame its commit time less that of the frame before, for the first less
//!      the block's own;
//!   4. numbers: for the block's first frame, and each behind one whose `following` is 0, its
//!      `following`. In the others it is one less than in the frame before;
//!   5. numbers: for the same frames, their sequence less 1 less their `durable`. In the others
//!      `durable` is as in the frame before;
//!   6. numbers: for each frame whose shape has a *reference*, how far back its opening is;
//!   7. the columns of values, in the order in which shapes first name them.
//!
//! Sequences go up by one, checksums are computed.
//!
//! A shape is the frame's kind, one byte, and then for each field of its body, in order, a varint
//! `8 × field number + form`, and 0 at the end:
//!
//! | form | the field is | its value stands |
//! |---|---|---|
//! | 0 | a varint | in a column of numbers |
//! | 2 | bytes | in a column of bytes |
//! | 3 | a message | not: its fields follow, and 0 |
//! | 6 | bytes, as its opening has them: a *reference* | in the opening: a closing's field 4.1 as 3.1, 4.3 as 3.2.1, 4.20 as 3.2.2 |
//! | 7 | a varint, the sequence of its opening: a *reference* | in column 6, as sequence less this |
//!
//! Fields have one column where the numbers on the way to them from the body's outermost field, and
//! their forms, are the same. An opening is in the same block as what refers to it.
//!
//! A column of numbers is a run of numbers. A column of bytes begins with a byte:
//!
//! - 0, *texts*: numbers: the lengths; a stream: all of them, one behind the other.
//! - 1, *words*: numbers: for each its word, counted from 0; then the words, as texts.
//! - 2, *rows*: a byte: the length of each; for each place of a row a stream of one byte for each.
//! - 3, *ids*: UUIDs of version 7: numbers: the frame's commit time in whole milliseconds (rounded
//!   down) less the time that is the id's first 48 bits, modulo 2^64; then the bytes behind those as
//!   rows.
//!
//! Whatever does not come back from this byte for byte, or gets no shorter, is packed as 0.

mod columns;
mod numbers;
mod read;
mod shape;
mod stream;
mod write;

pub(crate) use read::unpack;
pub(crate) use write::pack;

/// A fast one. Whoever chose values so that they collide would hold up the packing of one block, a little.
type Hasher = foldhash::fast::RandomState;

/// Frames as they are.
const AS_THEY_ARE: u8 = 0;
const IN_COLUMNS: u8 = 1;

/// What a block is, beside its frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BlockOf {
    /// Seeds the checksums of its frames.
    pub seed: u32,
    pub first: ndxp_model::Sequence,
    pub first_at: ndxp_model::Instant,
    pub frames: usize,
    /// Of all frames.
    pub bytes: usize,
}

/// More than the streams of any block hold together: a value of a column takes at least two bytes
/// in its frame (its tag and itself), and eight in its streams at most.
const fn stream_bytes_max(plain: usize) -> usize {
    plain.saturating_mul(8).saturating_add(4096)
}

#[cfg(test)]
mod tests;
