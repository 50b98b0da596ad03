//! Which sequence and which instant stand in which file, from which offset on: the heads and
//! footers in memory. The writer extends the last segment; readers look up.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ndxp_model::{Instant, Sequence};

use crate::Position;
use crate::format::{FRAMES_PER_MARK, Footer, HEAD_BYTES, Index, Mark};

/// One segment's durable frames.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub file: Arc<Path>,
    /// What the segment begins with, or will.
    pub first: Sequence,
    /// How many frames there are.
    pub frames: u64,
    pub first_at: Instant,
    pub last_at: Instant,
    pub marks: Vec<Mark>,
    /// Where the frames end in the file.
    pub end: u64,
    /// Marks and end are those of blocks.
    pub is_packed: bool,
}

/// All segments, in order, without gaps. No I/O happens under the lock.
#[derive(Debug, Default)]
pub(crate) struct Segments(Mutex<Vec<Segment>>);

/// A run of frames in one file.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    pub file: Arc<Path>,
    /// A frame at or before the one wanted.
    pub from: Mark,
    pub end: u64,
    /// Mark and end are those of blocks.
    pub is_packed: bool,
}

impl Segment {
    pub fn empty(file: Arc<Path>, first: Sequence) -> Self {
        Self {
            file,
            first,
            frames: 0,
            first_at: Instant::EPOCH,
            last_at: Instant::EPOCH,
            marks: Vec::new(),
            end: HEAD_BYTES as u64,
            is_packed: false,
        }
    }

    /// `None` when the footer is not one that a writer writes.
    pub fn sealed(file: Arc<Path>, footer: Footer) -> Option<Self> {
        if !footer.is_sound() {
            return None;
        }
        let frames = footer.last.get().checked_sub(footer.first.get())?;
        Some(Self {
            file,
            first: footer.first,
            frames: frames.checked_add(1)?,
            first_at: footer.first_at,
            last_at: footer.last_at,
            marks: footer.marks,
            end: footer.offset,
            is_packed: false,
        })
    }

    /// By an index that is possible.
    pub fn packed(file: Arc<Path>, index: &Index) -> Self {
        let marks = index.marks.iter().map(|block| Mark {
            sequence: block.sequence,
            at: block.at,
            offset: block.offset,
        });
        Self {
            file,
            first: index.first,
            frames: index.last.next().get().saturating_sub(index.first.get()),
            first_at: index.first_at,
            last_at: index.last_at,
            marks: marks.collect(),
            end: index.offset,
            is_packed: true,
        }
    }

    /// All of it, as it stands in a file that was made of it.
    pub fn whole(&self, file: Arc<Path>) -> Stretch {
        Stretch {
            file,
            from: Mark {
                sequence: self.first,
                at: self.first_at,
                offset: HEAD_BYTES as u64,
            },
            end: self.end,
            is_packed: self.is_packed,
        }
    }

    /// The sequence that the next frame gets.
    pub fn next(&self) -> Sequence {
        Sequence::new(self.first.get().saturating_add(self.frames))
    }

    /// Takes in the next frame.
    pub fn push(&mut self, at: Instant, bytes: u64) {
        if self.frames == 0 {
            self.first_at = at;
        }
        if self.frames.is_multiple_of(FRAMES_PER_MARK) {
            self.marks.push(Mark {
                sequence: self.next(),
                at,
                offset: self.end,
            });
        }
        self.frames += 1;
        self.last_at = at;
        self.end += bytes;
    }

    pub fn footer(&self) -> Footer {
        Footer {
            first: self.first,
            last: Sequence::new(self.next().get() - 1),
            first_at: self.first_at,
            last_at: self.last_at,
            marks: self.marks.clone(),
            offset: self.end,
        }
    }

    fn stretch(&self, from: &Mark) -> Stretch {
        Stretch {
            file: Arc::clone(&self.file),
            from: *from,
            end: self.end,
            is_packed: self.is_packed,
        }
    }
}

/// Marks that so many frames need.
pub(crate) const fn marks_of(frames: u64) -> u64 {
    frames.div_ceil(FRAMES_PER_MARK)
}

impl Segments {
    pub fn new(segments: Vec<Segment>) -> Self {
        Self(Mutex::new(segments))
    }

    /// The last entry of all.
    pub fn position(&self) -> Position {
        let segments = self.lock();
        let last = segments.iter().rev().find(|segment| segment.frames > 0);
        last.map_or_else(Position::default, |segment| Position {
            sequence: Sequence::new(segment.next().get() - 1),
            at: segment.last_at,
        })
    }

    /// Adds a segment; it stands in for one that began with the same sequence and stayed empty.
    pub fn push(&self, segment: Segment) {
        let mut segments = self.lock();
        segments.pop_if(|last| last.first == segment.first);
        segments.push(segment);
    }

    /// Takes in frames of the given lengths behind the last.
    pub fn extend(&self, at: Instant, frames: impl Iterator<Item = u64>) {
        let mut segments = self.lock();
        let last = segments.last_mut();
        let last = last.expect("a segment is pushed before its first frame is written");
        frames.for_each(|bytes| last.push(at, bytes));
    }

    /// Segments in the directory that end before the instant, in order; never the last.
    pub fn older_than(&self, at: Instant, directory: &Path) -> Vec<Segment> {
        let segments = self.lock();
        let but_last = segments.len().saturating_sub(1);
        let old = segments.iter().take(but_last);
        let old = old.take_while(|segment| segment.frames > 0 && segment.last_at < at);
        old.filter(|segment| segment.file.parent() == Some(directory))
            .cloned()
            .collect()
    }

    /// The oldest that is sealed and plain, behind those before the given one; never the last.
    pub fn plain(&self, from: Sequence) -> Option<Segment> {
        let segments = self.lock();
        let but_last = segments.len().saturating_sub(1);
        let mut sealed = segments.iter().take(but_last);
        sealed
            .find(|segment| segment.first >= from && segment.frames > 0 && !segment.is_packed)
            .cloned()
    }

    /// Says that the segment is packed from now on.
    pub fn packed(&self, packed: Segment) {
        let mut segments = self.lock();
        if let Ok(place) = segments.binary_search_by_key(&packed.first, |segment| segment.first)
            && let Some(segment) = segments.get_mut(place)
        {
            *segment = packed;
        }
    }

    /// Says where the segment lies from now on.
    pub fn moved(&self, first: Sequence, file: Arc<Path>) {
        let mut segments = self.lock();
        if let Ok(place) = segments.binary_search_by_key(&first, |segment| segment.first)
            && let Some(segment) = segments.get_mut(place)
        {
            segment.file = file;
        }
    }

    pub fn last(&self) -> Option<Segment> {
        self.lock().last().cloned()
    }

    /// Where to look for a sequence.
    pub fn holding(&self, sequence: Sequence) -> Option<Stretch> {
        let segments = self.lock();
        let behind = segments.partition_point(|segment| segment.next() <= sequence);
        let segment = segments.get(behind)?;
        let marks = segment
            .marks
            .partition_point(|mark| mark.sequence <= sequence);
        let mark = segment.marks.get(marks.checked_sub(1)?)?;
        Some(segment.stretch(mark))
    }

    /// A sequence at or before the first entry that was committed at the instant or later, and
    /// at most a mark's distance away. `None` when every entry is older.
    pub fn before(&self, at: Instant) -> Option<Sequence> {
        let segments = self.lock();
        let behind = segments.partition_point(|segment| segment.frames > 0 && segment.last_at < at);
        let segment = segments.get(behind).filter(|segment| segment.frames > 0)?;
        let older = segment.marks.partition_point(|mark| mark.at < at);
        let mark = segment.marks.get(older.saturating_sub(1))?;
        Some(mark.sequence)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Segment>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames 1..=600 in one segment and 601..=610 in the next, two per microsecond, 100 bytes.
    fn segments() -> Segments {
        let mut segments = Vec::new();
        for (first, last) in [(1, 600), (601, 610)] {
            let mut segment = Segment::empty(Path::new("x").into(), Sequence::new(first));
            for sequence in first..=last {
                segment.push(Instant::from_micros(sequence.cast_signed() / 2), 100);
            }
            segments.push(segment);
        }
        segments.push(Segment::empty(Path::new("x").into(), Sequence::new(611)));
        Segments::new(segments)
    }

    #[test]
    fn a_sequence_is_looked_for_from_the_mark_before_it() {
        let rows = [
            (0, None),
            (1, Some((1, 64))),
            (512, Some((1, 64))),
            (513, Some((513, 64 + 512 * 100))),
            (600, Some((513, 64 + 512 * 100))),
            (601, Some((601, 64))),
            (610, Some((601, 64))),
            (611, None),
        ];
        for (sequence, expected) in rows {
            let found = segments().holding(Sequence::new(sequence));
            let found = found.map(|stretch| (stretch.from.sequence.get(), stretch.from.offset));
            assert_eq!(found, expected, "sequence {sequence}");
        }
    }

    #[test]
    fn an_instant_is_looked_for_from_a_mark_that_is_older() {
        let rows = [
            (-5, Some(1)),
            (0, Some(1)),
            (256, Some(1)),
            (257, Some(513)),
            (300, Some(513)),
            (301, Some(601)),
            (305, Some(601)),
            (306, None),
        ];
        for (at, expected) in rows {
            let found = segments().before(Instant::from_micros(at));
            assert_eq!(found.map(Sequence::get), expected, "{at} us");
        }
    }

    #[test]
    fn the_position_is_the_last_entry_even_before_an_empty_segment() {
        let position = segments().position();
        assert_eq!(position.sequence, Sequence::new(610));
        assert_eq!(position.at, Instant::from_micros(305));
        assert_eq!(Segments::default().position(), Position::default());
    }
}
