//! What can still be read of a journal that is refused, and what is lost: by file, offset,
//! sequence and time. Never writes, repairs nothing, and takes nothing for true that has no valid
//! checksum: whoever decides about a damaged journal sees first what it would cost.

mod parts;

use std::path::{Path, PathBuf};

use ndxp_model::{Instant, Sequence};

use crate::archive::archive_of;
use crate::directory::{EXTENSION, files, segment_name};
use crate::disk::Disk;
use crate::error::DiskError;
use crate::format::{
    BLOCK_MAGIC, Block, Footer, Form, HEAD_BYTES, HeadFault, JournalId, Mark, Record,
    SEGMENT_BYTES_MAX, SegmentHead, shows_seal,
};
use crate::scan::trim_zeros;

use parts::{Around, Next, packed_parts, parts};
pub use parts::{Part, What};

/// One segment file as it was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inspection {
    pub file: PathBuf,
    pub bytes: u64,
    /// Of the head, or of the other segments where this one's head is damaged.
    pub journal: Option<JournalId>,
    /// What it begins with, by its head or else by its name.
    pub first: Option<Sequence>,
    pub seal: Seal,
    pub faults: Vec<Fault>,
    pub parts: Vec<Part>,
}

/// How a segment ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Seal {
    /// It takes more frames.
    Active,
    Sealed,
    /// It is over, and its footer is damaged or missing.
    Broken,
}

/// What is wrong with a file beside its frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The head's checksum does not hold.
    Head,
    /// Written by a program that knows more than this one.
    Version(u32),
    /// The footer is damaged or missing.
    Footer,
    /// It has no footer, and is shorter than a segment that takes more frames ever is: somebody cut
    /// it, and nothing tells what stood behind.
    Cut,
    /// The name does not say what the segment begins with.
    Name,
    /// Another journal's than the files before.
    Foreign,
    /// There is no knowing which journal this is: no frame can be checked.
    Unknown,
}

/// Segments between two files that are there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Missing {
    pub first: Sequence,
    pub last: Sequence,
    pub from: Option<Instant>,
    pub to: Option<Instant>,
}

/// A file, or the segments of a directory in order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Inspected {
    pub segments: Vec<Inspection>,
    /// Segments that are not there, each with the place in the order before which they belong.
    pub missing: Vec<(usize, Missing)>,
}

/// A segment file in memory, its ends read.
struct Held {
    file: PathBuf,
    bytes: Vec<u8>,
    head: Result<SegmentHead, HeadFault>,
    named: Option<Sequence>,
    form: Form,
    footer: Option<Ending>,
}

/// What a whole footer says of a segment's end.
struct Ending {
    offset: u64,
    last: Sequence,
    last_at: Instant,
}

/// Inspects one segment file. Where its head is damaged, the files beside it say which journal
/// this is.
///
/// # Errors
/// When it cannot be read at all.
pub fn inspect_file(disk: &dyn Disk, file: &Path) -> Result<Inspected, DiskError> {
    let held = Held::read(disk, file)?;
    let journal = held.head.as_ref().ok().map(|head| head.journal);
    let journal = journal.or_else(|| beside(disk, file));
    let segment = inspect_twice(disk, held, journal, None)?;
    Ok(Inspected {
        segments: vec![segment],
        missing: Vec::new(),
    })
}

/// Inspects all segments of a journal's directory and of its archive, one in memory at a time.
///
/// # Errors
/// When one cannot be read at all.
pub fn inspect_directory(disk: &dyn Disk, directory: &Path) -> Result<Inspected, DiskError> {
    let archive = archive_of(disk, directory)?;
    let files = files(disk, directory, archive.as_deref())?;
    let ends = files.iter().map(|file| Ends::read(disk, file));
    let ends = ends.collect::<Result<Vec<_>, _>>()?;
    let journal = ends.iter().find_map(|ends| ends.journal);
    let mut found = Inspected::default();
    let mut expected = Some(Sequence::new(1));
    let mut until = None;
    for (index, file) in files.iter().enumerate() {
        let held = Held::read(disk, file)?;
        let first = held.first();
        let begins = ends.get(index).and_then(|ends| ends.begins);
        if let (Some(expected), Some(first)) = (expected, first)
            && first > expected
        {
            let missing = Missing {
                first: expected,
                last: Sequence::new(first.get() - 1),
                from: until,
                to: begins,
            };
            found.missing.push((index, missing));
        }
        let own = held.head.as_ref().ok().map(|head| head.journal);
        let behind = ends.get(index + 1).and_then(Ends::next);
        let mut segment = inspect_twice(disk, held, own.or(journal), behind)?;
        if own.is_some() && own != journal {
            segment.faults.push(Fault::Foreign);
        }
        let last = segment.parts.iter().rev().find_map(|part| part.last);
        // What a segment without a footer has lost reaches up to the next one.
        expected = last.map(Sequence::next).or(first);
        until = segment
            .parts
            .iter()
            .rev()
            .find_map(|part| part.to)
            .or(until);
        found.segments.push(segment);
    }
    Ok(found)
}

impl Inspected {
    /// How many entries can be read.
    #[must_use]
    pub fn readable(&self) -> u64 {
        self.count(|what| what == What::Readable)
            .unwrap_or_default()
    }

    /// How many are lost; `None` where nothing tells.
    #[must_use]
    pub fn lost(&self) -> Option<u64> {
        let missing = self.missing.iter();
        let missing: u64 = missing.map(|(_, it)| entries(it.first, it.last)).sum();
        let within = self.count(|what| matches!(what, What::Lost { .. }))?;
        Some(missing + within)
    }

    /// Whether nothing is lost, and no file has a fault.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.lost() == Some(0) && self.segments.iter().all(|it| it.faults.is_empty())
    }

    fn count(&self, wanted: impl Fn(What) -> bool) -> Option<u64> {
        let parts = self.segments.iter().flat_map(|segment| &segment.parts);
        let chosen = parts.filter(|part| wanted(part.what));
        chosen.map(Part::entries).sum()
    }
}

impl Part {
    /// How many entries it holds or held; `None` where nothing tells.
    #[must_use]
    pub fn entries(&self) -> Option<u64> {
        match (self.first, self.last) {
            (Some(first), Some(last)) => Some(entries(first, last)),
            (None, None) => Some(0),
            _ => None,
        }
    }
}

fn entries(first: Sequence, last: Sequence) -> u64 {
    (last.get() + 1).saturating_sub(first.get())
}

/// A writer may be adding frames meanwhile, so that one which was not there yet looks lost beside
/// a later one. Damage is what stands at the same place twice; each further look needs a writer
/// that has filled what the one before saw missing, and an active segment is finite.
fn inspect_twice(
    disk: &dyn Disk,
    held: Held,
    journal: Option<JournalId>,
    behind: Option<Next>,
) -> Result<Inspection, DiskError> {
    let file = held.file.clone();
    let mut seen = held.inspect(journal, behind);
    let loses = |seen: &Inspection| {
        let mut parts = seen.parts.iter();
        parts.find(|part| part.what != What::Readable).copied()
    };
    while seen.seal != Seal::Sealed
        && let Some(lost) = loses(&seen)
    {
        seen = Held::read(disk, &file)?.inspect(journal, behind);
        if loses(&seen).is_none_or(|again| again.offset == lost.offset) {
            break;
        }
    }
    Ok(seen)
}

/// What of a segment its neighbours need.
struct Ends {
    journal: Option<JournalId>,
    first: Option<Sequence>,
    /// When its first frame was committed, or else the segment made.
    begins: Option<Instant>,
}

impl Ends {
    fn read(disk: &dyn Disk, file: &Path) -> Result<Self, DiskError> {
        let open = disk.open(file).map_err(DiskError::at("open", file))?;
        let mut bytes = vec![0; HEAD_BYTES];
        let filled = open
            .read_at(&mut bytes, 0)
            .map_err(DiskError::at("read", file))?;
        bytes.truncate(filled);
        let head = SegmentHead::decode(&bytes).ok();
        Ok(Self {
            journal: head.map(|head| head.journal),
            first: head.map(|head| head.first).or_else(|| named(file)),
            begins: head.map(|head| head.created_at),
        })
    }

    fn next(&self) -> Option<Next> {
        Some(Next {
            sequence: self.first?,
            at: self.begins.unwrap_or(Instant::from_micros(i64::MAX)),
        })
    }
}

impl Held {
    fn read(disk: &dyn Disk, file: &Path) -> Result<Self, DiskError> {
        let open = disk.open(file).map_err(DiskError::at("open", file))?;
        let bytes = open.bytes().map_err(DiskError::at("measure", file))?;
        let bytes = usize::try_from(bytes.min(SEGMENT_BYTES_MAX)).unwrap_or(usize::MAX);
        let mut contents = vec![0; bytes];
        let filled = open
            .read_at(&mut contents, 0)
            .map_err(DiskError::at("read", file))?;
        contents.truncate(filled);
        let head = SegmentHead::decode(&contents);
        // Where the head is damaged, what stands behind it tells.
        let behind = contents.get(HEAD_BYTES..).unwrap_or_default();
        let form = match (&head, behind.starts_with(&BLOCK_MAGIC)) {
            (Ok(head), _) => head.form,
            (Err(_), true) => Form::Packed,
            (Err(_), false) => Form::Plain,
        };
        Ok(Self {
            file: file.to_owned(),
            head,
            named: named(file),
            form,
            footer: None,
            bytes: contents,
        })
    }

    fn first(&self) -> Option<Sequence> {
        let head = self.head.as_ref().ok().map(|head| head.first);
        head.or(self.named)
    }

    fn inspect(mut self, journal: Option<JournalId>, behind: Option<Next>) -> Inspection {
        let mut faults = self.faults();
        let first = self.first();
        self.footer = journal.and_then(|journal| self.whole_footer(journal));
        let seal = self.seal(behind.is_some());
        let bytes = self.bytes.len() as u64;
        match seal {
            Seal::Broken => faults.push(Fault::Footer),
            Seal::Active if self.head.is_ok_and(|head| bytes < head.capacity) => {
                faults.push(Fault::Cut);
            }
            Seal::Active | Seal::Sealed => {}
        }
        let (parts, unknown) = match (journal, first) {
            (Some(journal), Some(first)) => {
                let next = self.next().or(behind);
                let around = Around {
                    seed: journal.seed(),
                    first,
                    next,
                    ended: seal != Seal::Active,
                };
                let frames = self.frames(seal);
                let parts = match self.form {
                    Form::Plain => parts(frames, &around),
                    Form::Packed => packed_parts(frames, &around),
                };
                (parts, false)
            }
            _ => (vec![self.unreadable(first)], true),
        };
        if unknown {
            faults.push(Fault::Unknown);
        }
        Inspection {
            bytes,
            file: self.file,
            journal,
            first,
            seal,
            faults,
            parts,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        match &self.head {
            Ok(head) if self.file.file_name() != Some(segment_name(head.first).as_ref()) => {
                vec![Fault::Name]
            }
            Ok(_) => Vec::new(),
            Err(HeadFault::Damaged) => vec![Fault::Head],
            Err(HeadFault::UnknownVersion(found)) => vec![Fault::Version(*found)],
        }
    }

    /// By the file's last bytes; or behind the frames, where a cut was undone by a power cut.
    fn whole_footer(&self, journal: JournalId) -> Option<Ending> {
        match self.form {
            Form::Plain => self.footer_of::<Mark>(journal),
            Form::Packed => self.footer_of::<Block>(journal),
        }
    }

    fn footer_of<R: Record>(&self, journal: JournalId) -> Option<Ending> {
        let bytes = trim_zeros(&self.bytes);
        let offset = bytes.last_chunk().and_then(Footer::offset_by_tail)?;
        let footer = bytes.get(usize::try_from(offset).ok()?..)?;
        let footer: Footer<R> = Footer::decode(journal.seed(), footer)?;
        let own = footer.offset == offset && Some(footer.first) == self.first();
        own.then_some(Ending {
            offset,
            last: footer.last,
            last_at: footer.last_at,
        })
    }

    fn seal(&self, has_another_behind: bool) -> Seal {
        if self.footer.is_some() {
            return Seal::Sealed;
        }
        // Nothing is packed but what was sealed.
        if self.form == Form::Packed {
            return Seal::Broken;
        }
        // A sealed segment is cut behind its footer; an active one has its whole capacity.
        let cut = self.head.as_ref().is_ok_and(|head| {
            let bytes = self.bytes.len() as u64;
            bytes < head.capacity && shows_seal(&self.bytes)
        });
        match cut || has_another_behind {
            true => Seal::Broken,
            false => Seal::Active,
        }
    }

    fn next(&self) -> Option<Next> {
        let footer = self.footer.as_ref()?;
        Some(Next {
            sequence: footer.last.next(),
            at: footer.last_at,
        })
    }

    /// The file up to where its frames end, as far as anything tells.
    fn frames(&self, seal: Seal) -> &[u8] {
        let written = trim_zeros(&self.bytes);
        let end = match (&self.footer, seal) {
            (Some(footer), _) => usize::try_from(footer.offset).ok(),
            (None, Seal::Broken) => match self.form {
                Form::Plain => footer_place(written, &Mark::MAGIC),
                Form::Packed => footer_place(written, &Block::MAGIC),
            },
            (None, _) => None,
        };
        end.and_then(|end| written.get(..end)).unwrap_or(written)
    }

    /// Nothing can be checked.
    fn unreadable(&self, first: Option<Sequence>) -> Part {
        Part {
            what: What::Lost {
                zeros: trim_zeros(&self.bytes).is_empty(),
            },
            offset: 0,
            bytes: self.bytes.len() as u64,
            first: first.or(Some(Sequence::new(1))),
            last: None,
            from: None,
            to: None,
        }
    }
}

/// Where a damaged footer begins, by what is left of it: its end says where, and must be borne out
/// by its beginning; or else its beginning is looked for.
fn footer_place(bytes: &[u8], magic: &[u8]) -> Option<usize> {
    const BEGINNING: &[u8] = &[0xff; 4];
    let borne_out = |place: &usize| {
        let footer = bytes.get(*place..).unwrap_or_default();
        let behind = footer.get(8..).unwrap_or_default();
        footer.starts_with(BEGINNING) || behind.starts_with(magic)
    };
    let by_end = bytes.last_chunk().and_then(Footer::offset_by_tail);
    let by_end = by_end.and_then(|offset| usize::try_from(offset).ok());
    by_end
        .filter(borne_out)
        .or_else(|| memchr::memmem::rfind(bytes, magic)?.checked_sub(8))
}

fn named(file: &Path) -> Option<Sequence> {
    let name = file.file_name()?.to_str()?;
    let digits = name.strip_suffix(EXTENSION)?;
    digits.parse().ok().map(Sequence::new)
}

/// Which journal the files beside this one belong to.
fn beside(disk: &dyn Disk, file: &Path) -> Option<JournalId> {
    let files = files(disk, file.parent()?, None).ok()?;
    let mut ends = files.iter().map(|file| Ends::read(disk, file));
    ends.find_map(|ends| ends.ok()?.journal)
}
