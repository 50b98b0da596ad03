//! Recovery, decided: how far the frames of an active segment are valid, and whether what
//! follows is a torn write or damage. Pure: bytes in, verdict out.

use std::path::Path;
use std::sync::Arc;

use ndxp_model::{Instant, Sequence};

use crate::format::{FRAME_HEAD_BYTES, FrameHead, HEAD_BYTES, parse_frame};
use crate::segments::Segment;

/// An active segment that can go on.
#[derive(Debug)]
pub(crate) struct Scan {
    /// Its frames, up to the end of the last whole batch.
    pub segment: Segment,
    /// Where that batch begins.
    pub last_batch: u64,
    /// Bytes behind them up to the last that is not zero.
    pub torn_bytes: u64,
}

/// An acknowledged frame that is no longer valid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Damage {
    pub offset: u64,
    pub sequence: Sequence,
    /// The later frame that says so.
    pub witness: Sequence,
}

/// Reads the whole file of an active segment.
pub(crate) fn scan(
    bytes: &[u8],
    seed: u32,
    file: Arc<Path>,
    first: Sequence,
    not_before: Instant,
) -> Result<Scan, Damage> {
    let mut segment = Segment::empty(file, first);
    let mut chain = Chain::new(first, not_before);
    let mut offset = HEAD_BYTES;
    let mut last_batch = HEAD_BYTES as u64;
    let mut batch = Vec::new();
    while let Some((head, body)) = parse_frame(seed, bytes.get(offset..).unwrap_or_default())
        && chain.accept(&head)
    {
        let frame_bytes = FRAME_HEAD_BYTES + body.len();
        offset += frame_bytes;
        batch.push((head.at, frame_bytes as u64));
        if head.following == 0 {
            last_batch = segment.end;
            let whole = batch.drain(..);
            whole.for_each(|(at, bytes)| segment.push(at, bytes));
        }
    }
    let written = trim_zeros(bytes);
    let behind = written.get(offset..).unwrap_or_default();
    if let Some(witness) = find_witness(behind, seed, chain.expected) {
        return Err(Damage {
            offset: offset as u64,
            sequence: chain.expected,
            witness,
        });
    }
    let torn_bytes = (written.len() as u64).saturating_sub(segment.end);
    Ok(Scan {
        segment,
        last_batch,
        torn_bytes,
    })
}

/// What the next frame must be to follow on those before.
struct Chain {
    expected: Sequence,
    not_before: Instant,
    /// The frame before, if its batch goes on.
    within: Option<FrameHead>,
}

impl Chain {
    fn new(expected: Sequence, not_before: Instant) -> Self {
        Self {
            expected,
            not_before,
            within: None,
        }
    }

    fn accept(&mut self, head: &FrameHead) -> bool {
        let in_place = head.sequence == self.expected
            && head.at >= self.not_before
            && head.durable < head.sequence;
        let in_batch = self.within.is_none_or(|before| {
            before.following.checked_sub(1) == Some(head.following)
                && before.durable == head.durable
        });
        if in_place && in_batch {
            self.expected = head.sequence.next();
            self.not_before = head.at;
            self.within = (head.following > 0).then_some(*head);
        }
        in_place && in_batch
    }
}

/// A valid frame anywhere in `bytes` that was written when `lost` was known durable.
fn find_witness(bytes: &[u8], seed: u32, lost: Sequence) -> Option<Sequence> {
    // Every frame between the lost one and its witness takes room.
    let furthest = lost.get().saturating_add(bytes.len() as u64);
    let plausible = |window: &[u8]| {
        let sequence = field(window, 8);
        let durable = field(window, 24);
        sequence > lost.get() && sequence <= furthest && durable >= lost.get() && durable < sequence
    };
    let (offset, _) = bytes
        .windows(FRAME_HEAD_BYTES)
        .enumerate()
        .filter(|(_, window)| plausible(window))
        .find(|(offset, _)| {
            parse_frame(seed, bytes.get(*offset..).unwrap_or_default()).is_some()
        })?;
    Some(Sequence::new(field(bytes.get(offset..)?, 8)))
}

pub(crate) fn field(bytes: &[u8], at: usize) -> u64 {
    let field = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    field.map_or(0, |field| u64::from_le_bytes(*field))
}

/// The bytes without the zeros at their end, judged by blocks first: most of a segment is zero.
pub(crate) fn trim_zeros(bytes: &[u8]) -> &[u8] {
    const ZEROS: [u8; 4096] = [0; 4096];
    let zero_blocks = bytes
        .rchunks(ZEROS.len())
        .take_while(|block| ZEROS.starts_with(block))
        .map(<[u8]>::len)
        .sum::<usize>();
    let rest = bytes.get(..bytes.len() - zero_blocks).unwrap_or_default();
    let zeros = rest.iter().rev().take_while(|byte| **byte == 0).count();
    rest.get(..rest.len() - zeros).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: u32 = 17;

    /// A segment file of 4 KiB whose batches hold the given numbers of frames, all synced.
    fn file(batches: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; HEAD_BYTES];
        let mut sequence = 0;
        for &frames in batches {
            let durable = Sequence::new(sequence);
            for following in (0..frames).rev() {
                sequence += 1;
                let head = FrameHead {
                    sequence: Sequence::new(sequence),
                    at: Instant::from_micros(sequence.cast_signed()),
                    durable,
                    following,
                    kind: 3,
                };
                head.encode(SEED, &[7; 20], &mut bytes);
            }
        }
        bytes.resize(4096, 0);
        bytes
    }

    fn frame_at(sequence: usize) -> usize {
        HEAD_BYTES + (sequence - 1) * 60
    }

    /// Frames kept and bytes torn, or sequence and witness of the damage.
    #[track_caller]
    fn check(bytes: &[u8], expected: Result<(u64, u64), (u64, u64)>) {
        let found = scan(
            bytes,
            SEED,
            Path::new("x").into(),
            Sequence::new(1),
            Instant::EPOCH,
        );
        let found = found
            .map(|scan| (scan.segment.frames, scan.torn_bytes))
            .map_err(|damage| (damage.sequence.get(), damage.witness.get()));
        assert_eq!(found, expected);
    }

    #[test]
    fn whole_batches_are_kept_and_zeros_are_no_tear() {
        check(&file(&[]), Ok((0, 0)));
        check(&file(&[1]), Ok((1, 0)));
        check(&file(&[3, 1, 2]), Ok((6, 0)));
        check(&file(&[3])[..frame_at(4)], Ok((3, 0)));
    }

    #[test]
    fn a_last_batch_that_is_not_whole_is_torn_whatever_part_of_it_is_missing() {
        for lost in 3..=5 {
            let mut bytes = file(&[2, 3]);
            bytes[frame_at(lost)..frame_at(lost) + 60].fill(0);
            let kept_to = if lost == 5 { frame_at(5) } else { frame_at(6) };
            check(&bytes, Ok((2, (kept_to - frame_at(3)) as u64)));
        }
    }

    #[test]
    fn an_invalid_frame_before_one_that_knew_it_durable_is_damage() {
        for lost in 1..=3 {
            let mut bytes = file(&[1, 2, 2]);
            bytes[frame_at(lost) + 50] ^= 1;
            let witness = if lost == 1 { 2 } else { 4 };
            check(&bytes, Err((lost as u64, witness)));
            bytes[frame_at(lost)..frame_at(lost) + 60].fill(0);
            check(&bytes, Err((lost as u64, witness)));
        }
    }

    #[test]
    fn a_witness_is_found_although_the_damage_hides_the_frames_between() {
        let mut bytes = file(&[1, 1, 1, 1]);
        bytes[frame_at(2)..frame_at(2) + 4].copy_from_slice(&999_u32.to_le_bytes());
        bytes[frame_at(3)..frame_at(3) + 60].fill(0xff);
        check(&bytes, Err((2, 4)));
    }

    #[test]
    fn remains_of_a_batch_that_was_never_acknowledged_are_torn() {
        // A batch of three failed; one entry of the same size was then written over it.
        let failed = file(&[2, 3]);
        let mut bytes = file(&[2, 1]);
        bytes[frame_at(4)..frame_at(5)].copy_from_slice(&failed[frame_at(4)..frame_at(5)]);
        check(&bytes, Ok((3, 60)));
    }

    #[test]
    fn frames_of_another_journal_prove_nothing() {
        let mut bytes = file(&[1, 1, 1]);
        bytes[frame_at(1) + 50] ^= 1;
        let found = scan(
            &bytes,
            SEED + 1,
            Path::new("x").into(),
            Sequence::new(1),
            Instant::EPOCH,
        );
        assert_eq!(found.map(|scan| scan.segment.frames).ok(), Some(0));
    }

    #[test]
    fn noise_is_judged_and_never_breaks_the_judge() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..2_000 {
            let mut bytes = file(&[1, 3, 1, 2]);
            for _ in 0..random.usize(1..40) {
                let place = random.usize(HEAD_BYTES..bytes.len());
                bytes[place] = random.u8(..);
            }
            bytes.truncate(random.usize(..=bytes.len()));
            let first = Sequence::new(1);
            let file = Path::new("x").into();
            match scan(&bytes, SEED, file, first, Instant::EPOCH) {
                Ok(scan) => {
                    assert!(
                        [0, 1, 4, 5, 7].contains(&scan.segment.frames),
                        "whole batches"
                    );
                    assert!(scan.segment.end <= bytes.len().max(HEAD_BYTES) as u64);
                }
                Err(damage) => assert!(damage.witness > damage.sequence),
            }
        }
    }
}
