//! Packs: bodies are walked once, each value is put into its column.

use std::collections::HashMap;
use std::ops::Range;

use crate::format::{FRAME_HEAD_BYTES, FrameHead, frame_body_bytes, parse_frame};

use super::columns::{self, Value};
use super::numbers;
use super::read::unpack;
use super::shape::{BYTES, COPIED, MESSAGE, OPENING, Places, SLOTS, VARINT, put_field};
use super::shape::{is_closing, is_opening};
use super::stream::{Sink, take_varint};
use super::{AS_THEY_ARE, BlockOf, Hasher, IN_COLUMNS};

/// The frames, packed. What comes back from it has been held against them.
pub(crate) fn pack(frames: &[u8], of: &BlockOf) -> Vec<u8> {
    let mut sink = Sink::new();
    sink.byte(IN_COLUMNS);
    if let Some(taken) = Taken::apart(frames, of) {
        taken.write(&mut sink);
        let shorter = sink.bytes.len() < frames.len();
        if shorter && unpack(&sink.bytes, of).as_deref() == Some(frames) {
            return sink.bytes;
        }
    }
    let mut sink = Sink::new();
    sink.byte(AS_THEY_ARE);
    sink.stream(frames);
    sink.bytes
}

/// A block's frames, taken apart.
struct Taken<'a> {
    frames: Vec<(FrameHead, Range<usize>)>,
    places: Places,
    shapes: Vec<u8>,
    known: HashMap<Vec<u8>, u64, Hasher>,
    shape_of: Vec<u64>,
    times: Vec<u64>,
    following: Vec<u64>,
    undurable: Vec<u64>,
    back: Vec<u64>,
    columns: Vec<Column<'a>>,
    slots: Vec<[&'a [u8]; SLOTS]>,
}

#[derive(Default)]
struct Column<'a> {
    numbers: Vec<u64>,
    values: Vec<Value<'a>>,
}

/// The frame that is walked.
struct Walk<'a> {
    head: FrameHead,
    shape: Vec<u8>,
    /// What its opening keeps, if that stands in this block, and which sequence it has.
    opening: Option<([&'a [u8]; SLOTS], u64)>,
    kept: [&'a [u8]; SLOTS],
    refers: bool,
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Taken<'a> {
    fn apart(frames: &'a [u8], of: &BlockOf) -> Option<Self> {
        let mut taken = Self {
            frames: Vec::new(),
            places: Places::new(),
            shapes: Vec::new(),
            known: HashMap::default(),
            shape_of: Vec::new(),
            times: Vec::new(),
            following: Vec::new(),
            undurable: Vec::new(),
            back: Vec::new(),
            columns: Vec::new(),
            slots: Vec::new(),
        };
        let mut offset = 0;
        let mut at = of.first_at.as_micros();
        let mut left = 0;
        while let Some(rest) = frames.get(offset..).filter(|rest| !rest.is_empty()) {
            let length = rest.first_chunk().copied().and_then(frame_body_bytes)?;
            let (head, body) = parse_frame(of.seed, rest)?;
            taken.shape_of.push(0);
            let time = head.at.as_micros();
            taken.times.push(time.wrapping_sub(at).cast_unsigned());
            at = time;
            if left == 0 {
                taken.following.push(u64::from(head.following));
                let before = head.sequence.get().wrapping_sub(1);
                taken
                    .undurable
                    .push(before.wrapping_sub(head.durable.get()));
            }
            left = head.following;
            taken.frame(head, body, of)?;
            offset += FRAME_HEAD_BYTES + length;
            taken.frames.push((head, 0..0));
        }
        Some(taken)
    }

    fn frame(&mut self, head: FrameHead, body: &'a [u8], of: &BlockOf) -> Option<()> {
        let mut walk = Walk {
            head,
            shape: vec![head.kind],
            opening: None,
            kept: [&[]; SLOTS],
            refers: false,
        };
        if is_closing(head.kind) {
            walk.opening = self.opening_of(body, of);
        }
        self.walk(body, 0, &mut walk)?;
        walk.shape.push(0);
        if walk.refers {
            let (_, opening) = walk.opening?;
            self.back.push(head.sequence.get().wrapping_sub(opening));
        }
        self.slots.push(walk.kept);
        let next = self.known.len() as u64;
        let shape = match self.known.get(&walk.shape) {
            Some(known) => *known,
            None => {
                self.shapes.extend_from_slice(&walk.shape);
                self.known.insert(walk.shape, next);
                next
            }
        };
        *self.shape_of.last_mut()? = shape;
        Some(())
    }

    /// By field 4.2 of a closing.
    fn opening_of(&self, body: &[u8], of: &BlockOf) -> Option<([&'a [u8]; SLOTS], u64)> {
        let mut body = body;
        let (4, Field::Bytes(mut closed)) = take_field(&mut body)? else {
            return None;
        };
        while !closed.is_empty() {
            if let (2, Field::Number(sequence)) = take_field(&mut closed)? {
                let behind = sequence.checked_sub(of.first.get())?;
                let behind = usize::try_from(behind).ok()?;
                let (head, _) = self.frames.get(behind)?;
                let kept = self.slots.get(behind)?;
                return is_opening(head.kind).then_some((*kept, sequence));
            }
        }
        None
    }

    fn walk(&mut self, mut bytes: &'a [u8], place: usize, walk: &mut Walk<'a>) -> Option<()> {
        while !bytes.is_empty() {
            let (number, field) = take_field(&mut bytes)?;
            match field {
                Field::Number(value) => self.number(place, number, value, walk)?,
                Field::Bytes(value) => self.bytes(place, number, value, walk)?,
            }
        }
        Some(())
    }

    fn number(&mut self, place: usize, number: u32, value: u64, walk: &mut Walk<'a>) -> Option<()> {
        let opening = walk.opening.filter(|(_, opening)| *opening == value);
        if opening.is_some() {
            let place = self.places.within(place, number, OPENING)?;
            if self.places.get(place)?.refers {
                walk.refers = true;
                put_field(number, OPENING, &mut walk.shape);
                return Some(());
            }
        }
        let place = self.places.within(place, number, VARINT)?;
        put_field(number, VARINT, &mut walk.shape);
        self.column(place)?.numbers.push(value);
        Some(())
    }

    fn bytes(
        &mut self,
        place: usize,
        number: u32,
        value: &'a [u8],
        walk: &mut Walk<'a>,
    ) -> Option<()> {
        let message = self.places.within(place, number, MESSAGE)?;
        if self.places.get(message)?.is_message {
            put_field(number, MESSAGE, &mut walk.shape);
            self.walk(value, message, walk)?;
            walk.shape.push(0);
            return Some(());
        }
        let copied = self.places.within(place, number, COPIED)?;
        let slot = self.places.get(copied)?.repeated;
        if let (Some(slot), Some((kept, _))) = (slot, &walk.opening)
            && kept.get(slot) == Some(&value)
        {
            walk.refers = true;
            put_field(number, COPIED, &mut walk.shape);
            return Some(());
        }
        let place = self.places.within(place, number, BYTES)?;
        put_field(number, BYTES, &mut walk.shape);
        if let Some(slot) = self.places.get(place)?.kept {
            *walk.kept.get_mut(slot)? = value;
        }
        let at = walk.head.at.as_micros();
        self.column(place)?.values.push(Value { bytes: value, at });
        Some(())
    }

    fn column(&mut self, place: usize) -> Option<&mut Column<'a>> {
        let column = self.places.get(place)?.column?;
        if self.columns.len() <= column {
            self.columns.resize_with(column + 1, Column::default);
        }
        self.columns.get_mut(column)
    }

    fn write(&self, sink: &mut Sink) {
        sink.stream(&self.shapes);
        for numbers in [
            &self.shape_of,
            &self.times,
            &self.following,
            &self.undurable,
            &self.back,
        ] {
            numbers::write(numbers, sink);
        }
        for (form, column) in self.places.forms().into_iter().zip(&self.columns) {
            match form {
                BYTES => columns::write(&column.values, sink),
                _ => numbers::write(&column.numbers, sink),
            }
        }
    }
}

/// The next field, if it is one of the two forms that entries have, in its shortest form.
fn take_field<'a>(bytes: &mut &'a [u8]) -> Option<(u32, Field<'a>)> {
    let tag = u32::try_from(take_varint(bytes)?).ok()?;
    let field = match tag & 7 {
        VARINT => Field::Number(take_varint(bytes)?),
        BYTES => {
            let length = usize::try_from(take_varint(bytes)?).ok()?;
            let (value, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Field::Bytes(value)
        }
        _ => return None,
    };
    (tag >> 3 > 0).then_some((tag >> 3, field))
}
