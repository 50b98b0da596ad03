//! The bytes of one segment taken apart: which frames can be read, and what lies between them.
//! Pure: bytes in, parts out. Behind damage it goes on at the next place where a whole frame
//! stands, known by its head and its checksum.

use ndxp_model::{Instant, Sequence};

use crate::format::{BLOCK_MAGIC, Block, FRAME_HEAD_BYTES, FrameHead, HEAD_BYTES, parse_frame};
use crate::scan::field;

/// A piece of a segment file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Part {
    pub what: What,
    pub offset: u64,
    pub bytes: u64,
    /// Of what is readable: the entries that it holds. Of what is lost: those that it held, as far
    /// as what stands around it tells.
    pub first: Option<Sequence>,
    pub last: Option<Sequence>,
    /// Of what is readable: when its first and last entry were committed. Of what is lost: not
    /// before the one, and not after the other.
    pub from: Option<Instant>,
    pub to: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum What {
    /// Frames whose checksums hold, one behind the other.
    Readable,
    /// Acknowledged entries stood here. `zeros`: there is nothing but zeros now.
    Lost { zeros: bool },
    /// A last write that did not survive whole: nobody was told that it was committed. The next
    /// start blanks it.
    Torn,
}

/// What is known of a segment beside its frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    pub seed: u32,
    /// What it begins with.
    pub first: Sequence,
    /// What stands behind its frames, if it must have some up to there: by its footer, or by the
    /// segment behind it.
    pub next: Option<Next>,
    /// Whether its end was acknowledged: a sealed one, or one with another behind it.
    pub ended: bool,
}

/// The sequence behind the last frame, and an instant that no frame is later than.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub sequence: Sequence,
    pub at: Instant,
}

/// Frames one behind the other.
struct Run {
    offset: usize,
    end: usize,
    first: FrameHead,
    last: FrameHead,
    /// The end of the last whole batch within, and its last frame.
    whole: Option<(usize, FrameHead)>,
}

/// The parts of a segment's frames, from its head to `bytes`' end, which is that of the frames or
/// of what is not zero.
pub(super) fn parts(bytes: &[u8], around: &Around) -> Vec<Part> {
    let mut runs = runs(bytes, around);
    let mut end = bytes.len();
    if !around.ended {
        end = drop_unacknowledged(&mut runs, around.first, end);
    }
    let mut parts = lay_out(bytes, &runs, end, around);
    if end < bytes.len() {
        parts.push(Part {
            what: What::Torn,
            offset: end as u64,
            bytes: (bytes.len() - end) as u64,
            first: None,
            last: None,
            from: None,
            to: None,
        });
    }
    parts
}

/// The same of a packed segment: what can be read, and what is lost, is so by whole blocks.
pub(super) fn packed_parts(bytes: &[u8], around: &Around) -> Vec<Part> {
    let mut runs: Vec<Run> = Vec::new();
    let mut offset = HEAD_BYTES.min(bytes.len());
    let (mut expected, mut not_before) = (around.first, Instant::from_micros(i64::MIN));
    while let Some(run) = next_block(bytes, offset, around, expected, not_before) {
        offset = run.end;
        expected = run.last.sequence.next();
        not_before = run.last.at;
        match runs.last_mut() {
            Some(before) if before.end == run.offset => {
                (before.end, before.last) = (run.end, run.last);
            }
            _ => runs.push(run),
        }
    }
    lay_out(bytes, &runs, bytes.len(), around)
}

/// The first block at the offset or behind it whose frames can be read and can follow.
fn next_block(
    bytes: &[u8],
    offset: usize,
    around: &Around,
    expected: Sequence,
    not_before: Instant,
) -> Option<Run> {
    let behind = bytes.get(offset..)?;
    memchr::memmem::find_iter(behind, &BLOCK_MAGIC).find_map(|place| {
        let run = block_at(bytes, offset + place, around.seed)?;
        let within = |next: Next| run.last.sequence < next.sequence;
        let follows = run.first.sequence >= expected && run.first.at >= not_before;
        // Nothing is missing between blocks that stand side by side.
        let gapless = place > 0 || run.first.sequence == expected;
        (follows && gapless && around.next.is_none_or(within)).then_some(run)
    })
}

fn block_at(bytes: &[u8], offset: usize, seed: u32) -> Option<Run> {
    let stored = bytes.get(offset..)?;
    let (block, packed) = Block::decode_front(seed, stored, offset as u64)?;
    let frames = block.unpack(seed, packed)?;
    let not_before = Instant::from_micros(i64::MIN);
    let run = run_in(&frames, 0, seed, block.sequence, not_before)?;
    let whole = run.end == frames.len() && run.last.sequence.next() == block.next();
    whole.then_some(Run {
        offset,
        end: offset + usize::try_from(block.stored_bytes()).ok()?,
        ..run
    })
}

fn runs(bytes: &[u8], around: &Around) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut offset = HEAD_BYTES.min(bytes.len());
    let (mut expected, mut not_before) = (around.first, Instant::from_micros(i64::MIN));
    loop {
        let Some(run) = run_in(bytes, offset, around.seed, expected, not_before) else {
            match resume(bytes, offset + 1, around, expected, not_before) {
                Some((found, sequence)) => (offset, expected) = (found, sequence),
                None => return runs,
            }
            continue;
        };
        offset = run.end;
        expected = run.last.sequence.next();
        not_before = run.last.at;
        runs.push(run);
    }
}

fn run_in(
    bytes: &[u8],
    offset: usize,
    seed: u32,
    mut expected: Sequence,
    mut not_before: Instant,
) -> Option<Run> {
    let mut run: Option<Run> = None;
    let mut end = offset;
    while let Some((head, body)) = parse_frame(seed, bytes.get(end..).unwrap_or_default())
        && head.sequence == expected
        && head.at >= not_before
    {
        end += FRAME_HEAD_BYTES + body.len();
        expected = head.sequence.next();
        not_before = head.at;
        let run = run.get_or_insert(Run {
            offset,
            end,
            first: head,
            last: head,
            whole: None,
        });
        (run.end, run.last) = (end, head);
        if head.following == 0 {
            run.whole = Some((end, head));
        }
    }
    run
}

/// The next place where a frame stands that can follow. Every frame between takes room, which
/// bounds its sequence.
fn resume(
    bytes: &[u8],
    from: usize,
    around: &Around,
    expected: Sequence,
    not_before: Instant,
) -> Option<(usize, Sequence)> {
    let behind = bytes.get(from..)?;
    let room = (behind.len() / FRAME_HEAD_BYTES) as u64;
    let furthest = around
        .next
        .map_or(u64::MAX, |next| next.sequence.get().saturating_sub(1));
    let furthest = furthest.min(expected.get().saturating_add(room));
    let plausible = |window: &[u8]| {
        let sequence = field(window, 8);
        (expected.get()..=furthest).contains(&sequence) && field(window, 24) < sequence
    };
    let windows = behind.windows(FRAME_HEAD_BYTES).enumerate();
    windows
        .filter(|(_, window)| plausible(window))
        .find_map(|(place, _)| {
            let (head, _) = parse_frame(around.seed, behind.get(place..)?)?;
            (head.at >= not_before).then_some((from + place, head.sequence))
        })
}

/// In a segment that may go on: takes away what was never acknowledged, and says where that
/// begins. What is missing before a run was acknowledged if a frame behind it knew it durable.
fn drop_unacknowledged(runs: &mut Vec<Run>, first: Sequence, end: usize) -> usize {
    let mut known_durable = Sequence::new(0);
    while let Some(last) = runs.last() {
        known_durable = known_durable.max(last.last.durable);
        let before = runs.len().checked_sub(2).and_then(|at| runs.get(at));
        let begins = before.map_or(HEAD_BYTES, |before| before.end);
        let lost = before.map_or(first, |before| before.last.sequence.next());
        if last.offset == begins || known_durable >= lost {
            break;
        }
        runs.pop();
    }
    let Some(last) = runs.last_mut() else {
        return HEAD_BYTES.min(end);
    };
    // Behind its last whole batch there is only the beginning of one.
    let Some((whole, head)) = last.whole else {
        let begins = last.offset;
        runs.pop();
        return begins;
    };
    (last.end, last.last) = (whole, head);
    whole
}

/// What is readable, and what is lost between.
fn lay_out(bytes: &[u8], runs: &[Run], end: usize, around: &Around) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut offset = HEAD_BYTES.min(end);
    let mut expected = around.first;
    let mut after = None;
    for run in runs {
        if run.offset > offset {
            let to = Next {
                sequence: run.first.sequence,
                at: run.first.at,
            };
            parts.push(lost(bytes, offset..run.offset, expected, after, Some(to)));
        }
        parts.push(Part {
            what: What::Readable,
            offset: run.offset as u64,
            bytes: (run.end - run.offset) as u64,
            first: Some(run.first.sequence),
            last: Some(run.last.sequence),
            from: Some(run.first.at),
            to: Some(run.last.at),
        });
        offset = run.end;
        expected = run.last.sequence.next();
        after = Some(run.last.at);
    }
    let missing = around.next.is_some_and(|next| next.sequence > expected);
    if offset < end || missing {
        parts.push(lost(
            bytes,
            offset..end.max(offset),
            expected,
            after,
            around.next,
        ));
    }
    parts
}

fn lost(
    bytes: &[u8],
    place: std::ops::Range<usize>,
    first: Sequence,
    from: Option<Instant>,
    to: Option<Next>,
) -> Part {
    let held = bytes.get(place.clone()).unwrap_or_default();
    let zeros = held.iter().all(|byte| *byte == 0);
    let last = to.map(|to| Sequence::new(to.sequence.get().saturating_sub(1)));
    Part {
        what: What::Lost { zeros },
        offset: place.start as u64,
        bytes: place.len() as u64,
        // Bytes between two frames that follow on each other held no entry.
        first: (last.is_none_or(|last| last >= first)).then_some(first),
        last: last.filter(|last| *last >= first),
        from,
        to: to.map(|to| to.at),
    }
}
