//! Unpacks: builds each frame by its shape, from the columns. Whatever the packed bytes say, no more
//! is made than the block is said to hold.

use std::ops::Range;

use ndxp_model::{Instant, Sequence};

use crate::format::{BODY_BYTES_MAX, FrameHead};

use super::columns::Bytes;
use super::numbers::Numbers;
use super::shape::{BYTES, Places, SLOTS, Shape, Step, take_shape};
use super::stream::{Source, put_varint};
use super::{AS_THEY_ARE, BlockOf, IN_COLUMNS, stream_bytes_max};

/// The frames of a packed block; `None` when it is none.
pub(crate) fn unpack(packed: &[u8], of: &BlockOf) -> Option<Vec<u8>> {
    let mut source = Source::new(packed, stream_bytes_max(of.bytes));
    let frames = match source.byte()? {
        AS_THEY_ARE => source.stream()?,
        IN_COLUMNS => Columns::read(&mut source, of)?.build(of)?,
        _ => return None,
    };
    (source.is_at_end() && frames.len() == of.bytes).then_some(frames)
}

enum Column {
    Numbers(Numbers),
    Bytes(Bytes),
}

struct Columns {
    shapes: Vec<Shape>,
    shape_of: Numbers,
    times: Numbers,
    following: Numbers,
    undurable: Numbers,
    back: Numbers,
    columns: Vec<Column>,
}

/// A body that is being built.
struct Build<'a> {
    body: Vec<u8>,
    /// Where the messages begin that have not ended.
    begun: Vec<usize>,
    slots: [Range<usize>; SLOTS],
    at: i64,
    /// Sequence of the opening, and its slots in `built`.
    opening: Option<(u64, &'a [Range<usize>; SLOTS])>,
    built: &'a [u8],
}

impl Columns {
    fn read(source: &mut Source<'_>, of: &BlockOf) -> Option<Self> {
        let bytes = source.stream()?;
        let mut bytes = bytes.as_slice();
        let mut places = Places::new();
        let mut shapes = Vec::new();
        while !bytes.is_empty() {
            shapes.push(take_shape(&mut bytes, &mut places)?);
            // Each is some frame's.
            if shapes.len() > of.frames {
                return None;
            }
        }
        let shape_of = Numbers::read(source)?;
        let times = Numbers::read(source)?;
        let following = Numbers::read(source)?;
        let undurable = Numbers::read(source)?;
        let back = Numbers::read(source)?;
        let column = |form| {
            Some(match form {
                BYTES => Column::Bytes(Bytes::read(source)?),
                _ => Column::Numbers(Numbers::read(source)?),
            })
        };
        Some(Self {
            columns: places
                .forms()
                .into_iter()
                .map(column)
                .collect::<Option<_>>()?,
            shapes,
            shape_of,
            times,
            following,
            undurable,
            back,
        })
    }

    fn build(mut self, of: &BlockOf) -> Option<Vec<u8>> {
        let mut frames = Vec::with_capacity(of.bytes);
        let mut slots: Vec<[Range<usize>; SLOTS]> = Vec::new();
        let mut at = of.first_at.as_micros();
        let mut sequence = of.first.get();
        let (mut left, mut durable) = (0_u32, 0);
        let mut body = Vec::new();
        for number in 0..of.frames {
            at = at.wrapping_add(self.times.take()?.cast_signed());
            if left == 0 {
                left = u32::try_from(self.following.take()?).ok()?;
                durable = sequence
                    .wrapping_sub(1)
                    .wrapping_sub(self.undurable.take()?);
            } else {
                left -= 1;
            }
            let shape = self.shapes.get(self.shape_of.take_usize()?)?;
            let back = shape.refers.then(|| self.back.take_usize());
            let opening = match back {
                Some(back) => Some(slots.get(number.checked_sub(back?)?)?),
                None => None,
            };
            body.clear();
            let mut build = Build {
                body,
                begun: Vec::new(),
                slots: [const { 0..0 }; SLOTS],
                at,
                opening: opening.zip(back.flatten()).and_then(|(slots, back)| {
                    Some((sequence.checked_sub(u64::try_from(back).ok()?)?, slots))
                }),
                built: &frames,
            };
            for step in &shape.steps {
                build.step(step, &mut self.columns)?;
            }
            let offset = frames.len() + crate::format::FRAME_HEAD_BYTES;
            let kept = build
                .slots
                .map(|slot| slot.start + offset..slot.end + offset);
            body = build.body;
            if offset + body.len() > of.bytes || !(1..=BODY_BYTES_MAX).contains(&body.len()) {
                return None;
            }
            let head = FrameHead {
                sequence: Sequence::new(sequence),
                at: Instant::from_micros(at),
                durable: Sequence::new(durable),
                following: left,
                kind: shape.kind,
            };
            head.encode(of.seed, &body, &mut frames);
            slots.push(kept);
            sequence = sequence.wrapping_add(1);
        }
        Some(frames)
    }
}

impl Build<'_> {
    fn step(&mut self, step: &Step, columns: &mut [Column]) -> Option<()> {
        match *step {
            Step::Number { tag, column } => {
                let Column::Numbers(numbers) = columns.get_mut(column)? else {
                    return None;
                };
                put_varint(tag, &mut self.body);
                put_varint(numbers.take()?, &mut self.body);
            }
            Step::Bytes { tag, column, kept } => {
                let Column::Bytes(bytes) = columns.get_mut(column)? else {
                    return None;
                };
                let begins = self.begin(tag);
                bytes.take(self.at, &mut self.body)?;
                let value = self.end(begins);
                if let Some(slot) = kept.and_then(|kept| self.slots.get_mut(kept)) {
                    *slot = value;
                }
            }
            Step::Begin { tag } => {
                let begins = self.begin(tag);
                self.begun.push(begins);
            }
            Step::End => {
                let begins = self.begun.pop()?;
                self.end(begins);
            }
            Step::Copied { tag, slot } => {
                let (_, slots) = self.opening?;
                let begins = self.begin(tag);
                self.body
                    .extend_from_slice(self.built.get(slots.get(slot)?.clone())?);
                self.end(begins);
            }
            Step::Opening { tag } => {
                put_varint(tag, &mut self.body);
                put_varint(self.opening?.0, &mut self.body);
            }
        }
        (self.body.len() <= BODY_BYTES_MAX).then_some(())
    }

    /// Room for a length of one byte; says where what it is the length of begins.
    fn begin(&mut self, tag: u64) -> usize {
        put_varint(tag, &mut self.body);
        self.body.push(0);
        self.body.len()
    }

    /// Writes the length, and moves what it is the length of if it takes more room. Says where that
    /// stands.
    fn end(&mut self, begins: usize) -> Range<usize> {
        let length = self.body.len() - begins;
        if let (Ok(length @ 0..=0x7f), Some(place)) =
            (u8::try_from(length), self.body.get_mut(begins - 1))
        {
            *place = length;
            return begins..self.body.len();
        }
        let mut varint = Vec::new();
        put_varint(length as u64, &mut varint);
        let moved = varint.len() - 1;
        self.body.splice(begins - 1..begins, varint);
        for slot in self.slots.iter_mut().filter(|slot| slot.start >= begins) {
            *slot = slot.start + moved..slot.end + moved;
        }
        begins + moved..self.body.len()
    }
}
