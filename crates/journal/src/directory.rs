//! A journal's directory as it is found: every head, the footers of the sealed segments, and
//! the frames of the active one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndxp_model::{Instant, Sequence};

use crate::archive::archive_of;
use crate::disk::{Disk, DiskFile};
use crate::error::{DiskError, OpenError};
use crate::format::{
    Footer, Form, HEAD_BYTES, HeadFault, JournalId, SEGMENT_BYTES_MAX, SegmentHead, footer_bytes,
    shows_seal,
};
use crate::packed::read_index;
use crate::scan::{Damage, Scan, scan};
use crate::segments::Segment;

pub(crate) const LOCK: &str = "lock";
pub(crate) const PREPARED: &str = "next.prepared";
pub(crate) const PREPARING: &str = "next.preparing";
/// A segment that is being packed; worth nothing.
pub(crate) const PACKING: &str = "next.packing";
/// Names the directory of archived segments.
pub(crate) const ARCHIVE: &str = "archive";
pub(crate) const EXTENSION: &str = ".segment";

/// All that opening needs to know.
#[derive(Debug)]
pub(crate) struct Found {
    /// Absent when there is no segment yet.
    pub journal: Option<JournalId>,
    /// Where older segments lie, if not beside the others.
    pub archive: Option<PathBuf>,
    pub sealed: Vec<Segment>,
    /// Files of sealed segments that were not cut behind their footers, and how long they are to
    /// be: the system said that it had cut them, and a power cut undid it.
    pub uncut: Vec<(Arc<Path>, u64)>,
    pub active: Option<Active>,
}

/// The last segment, when it is not sealed.
#[derive(Debug)]
pub(crate) struct Active {
    pub scan: Scan,
    pub capacity: u64,
    /// How long the file is: as its capacity, unless somebody cut it.
    pub bytes: u64,
    /// The segment as its footer has it, and where that ends, if a whole one follows the frames.
    uncut: Option<(Segment, u64)>,
}

/// A segment whose head has been read. Not kept open: a journal of years has more segments than a
/// process may have files.
struct Headed {
    file: Arc<Path>,
    head: SegmentHead,
}

/// The same, open.
struct Opened<'a> {
    file: &'a Arc<Path>,
    open: Arc<dyn DiskFile>,
    head: SegmentHead,
}

enum State {
    Sealed(Segment),
    Active(Active),
}

pub(crate) fn segment_name(first: Sequence) -> String {
    format!("{:020}{EXTENSION}", first.get())
}

/// A segment that was moved to the archive between two looks is found at the next; more than one
/// look again means that something else takes files away.
const LOOKS_MAX: usize = 3;

/// Reads the directory without changing anything. A writer may be at work in it.
pub(crate) fn find(disk: &dyn Disk, directory: &Path) -> Result<Found, OpenError> {
    let mut looks = 1;
    loop {
        match find_once(disk, directory) {
            Err(OpenError::Disk(error))
                if looks < LOOKS_MAX && error.source.kind() == std::io::ErrorKind::NotFound =>
            {
                looks += 1;
            }
            found => return found,
        }
    }
}

fn find_once(disk: &dyn Disk, directory: &Path) -> Result<Found, OpenError> {
    let archive = archive_of(disk, directory)?;
    let segments = read_heads(disk, &files(disk, directory, archive.as_deref())?)?;
    check_order(&segments)?;
    let journal = segments.first().map(|segment| segment.head.journal);
    let mut found = Found {
        journal,
        archive,
        sealed: Vec::with_capacity(segments.len()),
        uncut: Vec::new(),
        active: None,
    };
    let mut expected = Sequence::new(1);
    let mut segments = segments.into_iter().peekable();
    while let Some(segment) = segments.next() {
        if segment.head.first != expected {
            return Err(missing(&segment, expected));
        }
        let not_before = found
            .sealed
            .last()
            .map_or(Instant::from_micros(i64::MIN), |sealed| sealed.last_at);
        match segment.open(disk)?.read(not_before)? {
            State::Sealed(sealed) => {
                expected = sealed.next();
                found.sealed.push(sealed);
            }
            State::Active(active) if segments.peek().is_none() => found.active = Some(active),
            State::Active(active) => {
                let file = Arc::clone(&segment.file);
                let Some((sealed, bytes)) = active.uncut else {
                    let file = file.to_path_buf();
                    return Err(OpenError::DamagedFooter { file });
                };
                expected = sealed.next();
                found.sealed.push(sealed);
                found.uncut.push((file, bytes));
            }
        }
    }
    Ok(found)
}

/// The segment files of a journal, in the order of their names. One that lies in both places was
/// copied and not yet removed: both are the same.
pub(crate) fn files(
    disk: &dyn Disk,
    directory: &Path,
    archive: Option<&Path>,
) -> Result<Vec<PathBuf>, DiskError> {
    let mut files = BTreeMap::new();
    // The archive last: a segment that is moved in between is then seen twice and not never.
    for place in [directory].into_iter().chain(archive) {
        let names = disk.list(place).map_err(DiskError::at("list", place))?;
        for name in names.into_iter().filter(|name| name.ends_with(EXTENSION)) {
            let file = place.join(&name);
            files.entry(name).or_insert(file);
        }
    }
    Ok(files.into_values().collect())
}

fn read_heads(disk: &dyn Disk, files: &[PathBuf]) -> Result<Vec<Headed>, OpenError> {
    let mut segments = Vec::new();
    for file in files {
        let segment = Headed::read(disk, file.clone())?;
        let first = segment.head.first;
        if file.file_name() != Some(segment_name(first).as_ref()) {
            let file = file.clone();
            return Err(OpenError::Misnamed { file, first });
        }
        segments.push(segment);
    }
    segments.sort_by_key(|segment| segment.head.first);
    Ok(segments)
}

/// One journal, and no segment missing at the front; the others are checked as they are read.
fn check_order(segments: &[Headed]) -> Result<(), OpenError> {
    let Some(first) = segments.first() else {
        return Ok(());
    };
    let expected = first.head.journal;
    match segments
        .iter()
        .find(|segment| segment.head.journal != expected)
    {
        Some(foreign) => Err(OpenError::Foreign {
            file: foreign.file.to_path_buf(),
            expected,
            found: foreign.head.journal,
        }),
        None => Ok(()),
    }
}

fn missing(segment: &Headed, expected: Sequence) -> OpenError {
    OpenError::MissingSegment {
        file: segment.file.to_path_buf(),
        expected,
        found: segment.head.first,
    }
}

impl Headed {
    fn read(disk: &dyn Disk, file: PathBuf) -> Result<Self, OpenError> {
        let open = disk.open(&file).map_err(DiskError::at("open", &file))?;
        let head = read_head(&*open, &file)?;
        Ok(Self {
            file: file.into(),
            head,
        })
    }

    /// The head is read again: the segment may have been packed meanwhile.
    fn open(&self, disk: &dyn Disk) -> Result<Opened<'_>, OpenError> {
        let file = &self.file;
        let open = disk.open(file).map_err(DiskError::at("open", file))?;
        let head = read_head(&*open, file)?;
        Ok(Opened { file, open, head })
    }
}

fn read_head(open: &dyn DiskFile, file: &Path) -> Result<SegmentHead, OpenError> {
    let bytes = read(open, file, 0, HEAD_BYTES)?;
    let file = || file.to_owned();
    match SegmentHead::decode(&bytes) {
        Ok(head) if head.capacity <= SEGMENT_BYTES_MAX => Ok(head),
        Ok(_) | Err(HeadFault::Damaged) => Err(OpenError::DamagedHead { file: file() }),
        Err(HeadFault::UnknownVersion(found)) => Err(OpenError::UnknownVersion {
            file: file(),
            found,
        }),
    }
}

impl Opened<'_> {
    fn read_at(&self, offset: u64, bytes: u64) -> Result<Vec<u8>, DiskError> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        read(&*self.open, self.file, offset, bytes)
    }

    fn read(&self, not_before: Instant) -> Result<State, OpenError> {
        if self.head.form == Form::Packed {
            return self.read_packed();
        }
        let bytes = self.open.bytes();
        let bytes = bytes.map_err(DiskError::at("measure", self.file))?;
        // A sealed segment is cut behind its footer; an active one has its whole capacity.
        let cut = bytes < self.head.capacity;
        if cut && let Some(sealed) = self.read_footer(bytes)? {
            return Ok(State::Sealed(sealed));
        }
        self.read_frames(bytes, not_before).map(State::Active)
    }

    fn read_packed(&self) -> Result<State, OpenError> {
        let seed = self.head.journal.seed();
        let index = read_index(&*self.open, seed, &self.head);
        let index = index.map_err(DiskError::at("read", self.file))?;
        match index {
            Some(index) => Ok(State::Sealed(Segment::packed(
                Arc::clone(self.file),
                &index,
            ))),
            None => Err(OpenError::DamagedFooter {
                file: self.file.to_path_buf(),
            }),
        }
    }

    fn read_footer(&self, bytes: u64) -> Result<Option<Segment>, OpenError> {
        let tail = self.read_at(
            bytes.saturating_sub(Footer::TAIL_BYTES as u64),
            Footer::TAIL_BYTES as u64,
        )?;
        let offset = tail.first_chunk().and_then(Footer::offset_by_tail);
        let Some(length) = offset.and_then(|offset| bytes.checked_sub(offset)) else {
            return Ok(None);
        };
        let footer = self.read_at(bytes - length, length)?;
        let whole = Footer::decode(self.head.journal.seed(), &footer);
        Ok(whole
            .filter(|footer| Some(footer.offset) == offset)
            .and_then(|footer| self.sealed(footer)))
    }

    fn sealed(&self, footer: Footer) -> Option<Segment> {
        let own = footer.first == self.head.first;
        own.then(|| Segment::sealed(Arc::clone(self.file), footer))?
    }

    fn footer_at_front(&self, behind: &[u8]) -> Option<(Segment, u64)> {
        let footer = Footer::decode_front(self.head.journal.seed(), behind)?;
        let end = footer_bytes(footer.marks.len() as u64).checked_add(footer.offset)?;
        Some((self.sealed(footer)?, end))
    }

    /// A writer may be adding frames meanwhile, so that a frame which was not there yet looks
    /// lost beside a later one. The later one proves that it is there when looked for again:
    /// damage is what stands at the same place twice.
    fn read_frames(&self, bytes: u64, not_before: Instant) -> Result<Active, OpenError> {
        let mut before: Option<Damage> = None;
        loop {
            let contents = self.read_at(0, bytes.min(SEGMENT_BYTES_MAX))?;
            let seed = self.head.journal.seed();
            let file = Arc::clone(self.file);
            match scan(&contents, seed, file, self.head.first, not_before) {
                Ok(scan) => {
                    let end = usize::try_from(scan.segment.end).unwrap_or(usize::MAX);
                    let behind = contents.get(end..).unwrap_or_default();
                    if bytes < self.head.capacity && shows_seal(behind) {
                        let file = self.file.to_path_buf();
                        return Err(OpenError::DamagedFooter { file });
                    }
                    return Ok(Active {
                        uncut: self.footer_at_front(behind),
                        scan,
                        capacity: self.head.capacity,
                        bytes,
                    });
                }
                Err(damage) if before.is_some_and(|before| before.offset == damage.offset) => {
                    return Err(OpenError::Damaged {
                        file: self.file.to_path_buf(),
                        offset: damage.offset,
                        sequence: damage.sequence,
                        witness: damage.witness,
                    });
                }
                Err(damage) => before = Some(damage),
            }
        }
    }
}

/// As much of the range as the file holds.
fn read(open: &dyn DiskFile, file: &Path, offset: u64, bytes: usize) -> Result<Vec<u8>, DiskError> {
    let held = open.bytes().map_err(DiskError::at("measure", file))?;
    let behind = usize::try_from(held.saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut buffer = vec![0; bytes.min(behind)];
    let filled = open
        .read_at(&mut buffer, offset)
        .map_err(DiskError::at("read", file))?;
    buffer.truncate(filled);
    Ok(buffer)
}
