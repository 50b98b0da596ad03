//! Which fields a frame's body has, and which column each goes to. What is a message is known here,
//! by the contract, and said in the shapes: whoever unpacks needs no contract.

use crate::Kind;

use super::stream::{put_varint, take_varint};

/// Protobuf's own, for what is a value.
pub const VARINT: u32 = 0;
pub const BYTES: u32 = 2;
/// Of shapes.
pub const MESSAGE: u32 = 3;
pub const COPIED: u32 = 6;
pub const OPENING: u32 = 7;

/// Deeper than any entry.
const DEPTH_MAX: usize = 8;
/// More fields than any entry has, measures included.
const FIELDS_MAX: usize = 4_096;

const OPENED: u32 = 3;
const CLOSED: u32 = 4;

/// Messages that are taken apart. A connection is one word: its parts always come together.
const MESSAGES: [&[u32]; 5] = [
    &[OPENED],
    &[CLOSED],
    &[OPENED, 2],
    &[CLOSED, 17],
    &[CLOSED, 19],
];

/// What an opening has that its closing repeats: id, connection, method.
pub const SLOTS: usize = 3;
const KEPT: [&[u32]; SLOTS] = [&[OPENED, 1], &[OPENED, 2, 1], &[OPENED, 2, 2]];
const REPEATED: [&[u32]; SLOTS] = [&[CLOSED, 1], &[CLOSED, 3], &[CLOSED, 20]];
const REFERS: &[u32] = &[CLOSED, 2];

/// A place in bodies: what is done with what stands there is looked up once.
#[derive(Clone, Debug, Default)]
pub struct Place {
    path: Vec<u32>,
    form: u32,
    children: Vec<(u32, usize)>,
    pub column: Option<usize>,
    pub is_message: bool,
    /// Of an opening: which slot it fills.
    pub kept: Option<usize>,
    /// Of a closing: which slot it repeats.
    pub repeated: Option<usize>,
    pub refers: bool,
}

/// All places that were met, the body itself first.
#[derive(Debug)]
pub struct Places {
    places: Vec<Place>,
    columns: usize,
}

/// One step of building a body.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Number {
        tag: u64,
        column: usize,
    },
    Bytes {
        tag: u64,
        column: usize,
        kept: Option<usize>,
    },
    Begin {
        tag: u64,
    },
    End,
    Copied {
        tag: u64,
        slot: usize,
    },
    Opening {
        tag: u64,
    },
}

#[derive(Debug, Default)]
pub struct Shape {
    pub kind: u8,
    pub steps: Vec<Step>,
    pub refers: bool,
}

impl Places {
    pub fn new() -> Self {
        Self {
            places: vec![Place::default()],
            columns: 0,
        }
    }

    pub fn get(&self, place: usize) -> Option<&Place> {
        self.places.get(place)
    }

    /// The place of a field within another, a column made for it if it is a value.
    pub fn within(&mut self, place: usize, field: u32, form: u32) -> Option<usize> {
        let key = field << 3 | form;
        let parent = self.places.get(place)?;
        if let Some((_, found)) = parent.children.iter().find(|(tag, _)| *tag == key) {
            return Some(*found);
        }
        let mut path = parent.path.clone();
        path.push(field);
        let index = |paths: &[&[u32]]| paths.iter().position(|known| *known == path.as_slice());
        let made = Place {
            form,
            column: matches!(form, VARINT | BYTES).then_some(self.columns),
            is_message: MESSAGES.contains(&path.as_slice()),
            kept: index(&KEPT),
            repeated: index(&REPEATED),
            refers: path == REFERS,
            children: Vec::new(),
            path,
        };
        self.columns += usize::from(made.column.is_some());
        let number = self.places.len();
        self.places.push(made);
        self.places.get_mut(place)?.children.push((key, number));
        Some(number)
    }

    /// The forms of the columns, in order.
    pub fn forms(&self) -> Vec<u32> {
        let mut forms = vec![VARINT; self.columns];
        for place in &self.places {
            if let Some(form) = place.column.and_then(|column| forms.get_mut(column)) {
                *form = place.form;
            }
        }
        forms
    }
}

pub fn put_field(field: u32, form: u32, shape: &mut Vec<u8>) {
    put_varint(u64::from(field) << 3 | u64::from(form), shape);
}

/// The next shape, if it is one that can be built from.
pub fn take_shape(bytes: &mut &[u8], places: &mut Places) -> Option<Shape> {
    let (kind, rest) = bytes.split_first()?;
    *bytes = rest;
    let mut shape = Shape {
        kind: *kind,
        ..Shape::default()
    };
    let mut within = vec![0];
    while let Some(&place) = within.last() {
        let field = take_varint(bytes)?;
        if field == 0 {
            within.pop();
            if !within.is_empty() {
                shape.steps.push(Step::End);
            }
            continue;
        }
        let (number, form) = (
            u32::try_from(field >> 3).ok()?,
            u32::try_from(field & 7).ok()?,
        );
        if number == 0 || number >= 1 << 29 || shape.steps.len() >= FIELDS_MAX {
            return None;
        }
        let child = places.within(place, number, form)?;
        shape.steps.push(step(places.get(child)?, number, form)?);
        shape.refers |= matches!(form, COPIED | OPENING);
        if form == MESSAGE {
            within.push(child);
        }
        if within.len() > DEPTH_MAX {
            return None;
        }
    }
    Some(shape)
}

fn step(place: &Place, number: u32, form: u32) -> Option<Step> {
    let tag = |wire: u32| u64::from(number << 3 | wire);
    Some(match form {
        VARINT => Step::Number {
            tag: tag(VARINT),
            column: place.column?,
        },
        BYTES => Step::Bytes {
            tag: tag(BYTES),
            column: place.column?,
            kept: place.kept,
        },
        MESSAGE => Step::Begin { tag: tag(BYTES) },
        COPIED => Step::Copied {
            tag: tag(BYTES),
            slot: place.repeated?,
        },
        OPENING => Step::Opening { tag: tag(VARINT) },
        _ => return None,
    })
}

/// Whether entries of the kind keep slots, or repeat them.
pub fn is_opening(kind: u8) -> bool {
    kind == Kind::Opened.number()
}

pub fn is_closing(kind: u8) -> bool {
    kind == Kind::Closed.number()
}
