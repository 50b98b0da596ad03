//! What rests: the months and days of lines that are over, each bucket a file that is written once
//! and never changed. So the store holds what changes and no more, years of months weigh what their
//! rows weigh, and days that are no longer kept go as files.
//!
//! A file is a function of the journal alone. It is written when the first entry behind the bucket
//! comes, before anything behind the bucket is counted, and is durable before the store tells of a
//! time behind it. A bucket in which no line counted anything has no file.
//!
//! `month-2022-07` and `day-2022-07-22`, to the byte; numbers are big-endian:
//!
//! ```text
//! magic          "ndxprow1"
//! size:u8        1 a month, 2 a day
//! start:i64      of the bucket, microseconds since the epoch
//! lines:u32      the highest line that has a row here
//! crc:u32        CRC32C of what stands before
//! pages, each of 64 lines, from line 1 on:
//!   place:u64    of the first row of these lines, from the start of the file
//!   length:u32   64 times: how long the line's row is, 0 where it has none
//!   crc:u32      CRC32C of start, size, the first line of the page, and the page before it
//! rows, in the order of lines, each:
//!   row          as in `codec.rs`, without its start
//!   crc:u32      CRC32C of start, size, line and row
//! ```
//!
//! Every check sum covers where its piece belongs, so that no piece is taken for another's.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use ndxp_model::{Instant, Zone};

use crate::damage::{Damage, StoreError};
use crate::key::{LineId, Size};

const MAGIC: &[u8; 8] = b"ndxprow1";
const HEAD_BYTES: usize = 25;
/// Lines of one page of the index: a look-up reads the page and not the whole index.
const PAGE_LINES: u32 = 64;
const PAGE_BYTES: usize = 8 + 4 * 64 + 4;
const CRC_BYTES: usize = 4;

/// The directory of these files.
#[derive(Clone, Debug)]
pub struct Past {
    directory: PathBuf,
    zone: Zone,
}

/// What a file says of a line.
#[derive(Debug, Eq, PartialEq)]
pub enum Found {
    Row(Vec<u8>),
    /// The line counted nothing in the bucket.
    NoRow,
    /// Nobody did.
    NoFile,
}

/// One bucket's file, open, its head checked.
struct Bucket {
    path: PathBuf,
    file: File,
    size: Size,
    start: Instant,
    lines: u32,
}

/// Where one row stands.
struct Place {
    line: LineId,
    at: u64,
    length: usize,
}

impl Past {
    pub fn new(directory: PathBuf, zone: Zone) -> Self {
        Self { directory, zone }
    }

    /// The row of a line in a bucket that is over.
    ///
    /// # Errors
    /// When the file is damaged or cannot be read.
    pub fn row(&self, size: Size, start: Instant, line: LineId) -> Result<Found, StoreError> {
        let mut found = Found::NoRow;
        let file = self.some(size, start, &[line], |_, row| {
            found = Found::Row(row.to_vec());
            Ok(())
        })?;
        Ok(if file { found } else { Found::NoFile })
    }

    /// Visits the rows of some lines, ascending, in a bucket that is over. Tells whether it has a
    /// file.
    ///
    /// # Errors
    /// When the file is damaged or cannot be read, or the visitor refuses.
    pub fn some(
        &self,
        size: Size,
        start: Instant,
        lines: &[LineId],
        mut visit: impl FnMut(LineId, &[u8]) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        let Some(bucket) = self.bucket(size, start)? else {
            return Ok(false);
        };
        let there = |line: &&LineId| **line != LineId::TOTAL && line.0 <= bucket.lines;
        let lines: Vec<LineId> = lines.iter().filter(there).copied().collect();
        let page = |line: &LineId| (line.0 - 1) / PAGE_LINES;
        for lines in lines.chunk_by(|one, other| page(one) == page(other)) {
            let first = lines.first().map_or(0, page) * PAGE_LINES + 1;
            for place in bucket.page(first)? {
                if lines.binary_search(&place.line).is_ok() {
                    visit(place.line, &bucket.row(&place)?)?;
                }
            }
        }
        Ok(true)
    }

    /// Visits all rows of a bucket that is over, in the order of lines. Tells whether it has a file.
    ///
    /// # Errors
    /// When the file is damaged or cannot be read, or the visitor refuses.
    pub fn rows(
        &self,
        size: Size,
        start: Instant,
        mut visit: impl FnMut(LineId, &[u8]) -> Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        let Some(bucket) = self.bucket(size, start)? else {
            return Ok(false);
        };
        for first in (1..=bucket.lines).step_by(PAGE_LINES as usize) {
            for (place, row) in bucket.rows_of(&bucket.page(first)?)? {
                visit(place, &row)?;
            }
        }
        Ok(true)
    }

    /// Writes the file of a bucket, durably, or leaves none where there are no rows. `rows` ascend
    /// by line.
    ///
    /// # Errors
    /// When it cannot be written: nothing that is stored is the worse for it.
    pub fn write(&self, size: Size, start: Instant, rows: &[(LineId, Vec<u8>)]) -> io::Result<()> {
        let Some((LineId(lines), _)) = rows.last() else {
            return Ok(());
        };
        fs::create_dir_all(&self.directory)?;
        let path = self.path(size, start);
        let unfinished = path.with_extension("tmp");
        let mut file = io::BufWriter::new(File::create(&unfinished)?);
        file.write_all(&head(size, start, *lines))?;
        file.write_all(&index(size, start, *lines, rows))?;
        for (line, row) in rows {
            file.write_all(row)?;
            file.write_all(&crc_of(size, start, *line, row).to_be_bytes())?;
        }
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(&self.directory)?.sync_all()
    }

    /// The buckets that have files, by size and time.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn buckets(&self) -> Result<Vec<(Size, Instant)>, StoreError> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut buckets = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            buckets.extend(name.to_str().and_then(|name| self.parse(name)));
        }
        buckets.sort_unstable();
        Ok(buckets)
    }

    /// Removes the days before the instant.
    ///
    /// # Errors
    /// When they cannot be removed.
    pub fn remove_days_before(&self, kept_from: Instant) -> Result<(), StoreError> {
        for (size, start) in self.buckets()? {
            if size == Size::Day && start < kept_from {
                match fs::remove_file(self.path(size, start)) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    removed => removed.map_err(StoreError::Machine)?,
                }
            }
        }
        Ok(())
    }

    /// The name of a bucket's file.
    #[must_use]
    pub fn name(&self, size: Size, start: Instant) -> String {
        let label = self.zone.label(size.granularity(), start);
        format!("{}-{label}", name(size))
    }

    fn path(&self, size: Size, start: Instant) -> PathBuf {
        self.directory.join(self.name(size, start))
    }

    /// The bucket that a file of this name is of.
    fn parse(&self, file: &str) -> Option<(Size, Instant)> {
        let (sort, label) = file.split_once('-')?;
        let mut sizes = [Size::Month, Size::Day].into_iter();
        let size = sizes.find(|size| name(*size) == sort)?;
        let start = self.zone.moment(label).ok()?.from;
        (self.zone.label(size.granularity(), start) == label).then_some((size, start))
    }

    fn bucket(&self, size: Size, start: Instant) -> Result<Option<Bucket>, StoreError> {
        let path = self.path(size, start);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bucket = Bucket {
            path,
            file,
            size,
            start,
            lines: 0,
        };
        let found: [u8; HEAD_BYTES] = bucket.bytes(0)?;
        let lines = found.get(17..21).and_then(|lines| lines.try_into().ok());
        bucket.lines = lines.map_or(0, u32::from_be_bytes);
        if found != head(size, start, bucket.lines) {
            return Err(bucket.damage("head"));
        }
        Ok(Some(bucket))
    }
}

impl Bucket {
    /// The rows of the page whose first line this is.
    fn page(&self, first: u32) -> Result<Vec<Place>, StoreError> {
        let number = u64::from((first - 1) / PAGE_LINES);
        let at = HEAD_BYTES as u64 + number * PAGE_BYTES as u64;
        let bytes: [u8; PAGE_BYTES] = self.bytes(at)?;
        let (page, crc) = bytes.split_at(PAGE_BYTES - CRC_BYTES);
        if crc != crc_of(self.size, self.start, LineId(first), page).to_be_bytes() {
            return Err(self.damage("index"));
        }
        let (place, lengths) = page.split_at(8);
        let mut at = place.try_into().map_or(u64::MAX, u64::from_be_bytes);
        let mut places = Vec::new();
        for (line, length) in (first..).zip(lengths.as_chunks::<4>().0) {
            let length = u32::from_be_bytes(*length);
            if length > 0 {
                places.push(Place {
                    line: LineId(line),
                    at,
                    length: length as usize,
                });
                at += u64::from(length) + CRC_BYTES as u64;
            }
        }
        Ok(places)
    }

    fn row(&self, place: &Place) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![0; place.length + CRC_BYTES];
        self.fill(&mut bytes, place.at)?;
        self.checked(place, &bytes)
    }

    /// The rows of one page, read at once.
    fn rows_of(&self, places: &[Place]) -> Result<Vec<(LineId, Vec<u8>)>, StoreError> {
        let lengths = places.iter().map(|place| place.length + CRC_BYTES);
        let mut bytes = vec![0; lengths.sum()];
        let Some(first) = places.first() else {
            return Ok(Vec::new());
        };
        self.fill(&mut bytes, first.at)?;
        let mut rest = &*bytes;
        let mut rows = Vec::with_capacity(places.len());
        for place in places {
            let (row, behind) = rest.split_at(place.length + CRC_BYTES);
            rows.push((place.line, self.checked(place, row)?));
            rest = behind;
        }
        Ok(rows)
    }

    fn checked(&self, place: &Place, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (row, crc) = bytes.split_at(place.length);
        if crc != crc_of(self.size, self.start, place.line, row).to_be_bytes() {
            return Err(self.damage("row"));
        }
        Ok(row.to_vec())
    }

    fn bytes<const N: usize>(&self, at: u64) -> Result<[u8; N], StoreError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes, at)?;
        Ok(bytes)
    }

    fn fill(&self, bytes: &mut [u8], at: u64) -> Result<(), StoreError> {
        match self.file.read_exact_at(bytes, at) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(self.damage("length"))
            }
            read => Ok(read?),
        }
    }

    fn damage(&self, what: &'static str) -> StoreError {
        let file = file_name(&self.path);
        Damage::Past { file, what }.into()
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

const fn name(size: Size) -> &'static str {
    match size {
        Size::Month => "month",
        Size::Day => "day",
    }
}

const fn number(size: Size) -> u8 {
    match size {
        Size::Month => 1,
        Size::Day => 2,
    }
}

fn head(size: Size, start: Instant, lines: u32) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    let start = start.as_micros().to_be_bytes();
    let parts = [&MAGIC[..], &[number(size)], &start, &lines.to_be_bytes()].concat();
    let (told, crc) = head.split_at_mut(HEAD_BYTES - CRC_BYTES);
    told.copy_from_slice(&parts);
    crc.copy_from_slice(&crc32c::crc32c(&parts).to_be_bytes());
    head
}

fn index(size: Size, start: Instant, lines: u32, rows: &[(LineId, Vec<u8>)]) -> Vec<u8> {
    let pages = lines.div_ceil(PAGE_LINES);
    let mut at = HEAD_BYTES as u64 + u64::from(pages) * PAGE_BYTES as u64;
    let mut index = Vec::new();
    let mut rows = rows.iter().peekable();
    for first in (1..=lines).step_by(PAGE_LINES as usize) {
        let mut page = at.to_be_bytes().to_vec();
        for line in first..first.saturating_add(PAGE_LINES) {
            let row = rows.next_if(|(held, _)| held.0 == line);
            let length = row.map_or(0, |(_, row)| row.len());
            let length = u32::try_from(length).expect("a row is some kilobytes");
            page.extend(length.to_be_bytes());
            at += u64::from(length) + if length > 0 { CRC_BYTES as u64 } else { 0 };
        }
        let crc = crc_of(size, start, LineId(first), &page);
        index.extend(page);
        index.extend(crc.to_be_bytes());
    }
    index
}

/// The check sum of a piece, and of where it belongs.
fn crc_of(size: Size, start: Instant, line: LineId, piece: &[u8]) -> u32 {
    let place = [
        &start.as_micros().to_be_bytes()[..],
        &[number(size)],
        &line.0.to_be_bytes(),
    ]
    .concat();
    crc32c::crc32c_append(crc32c::crc32c(&place), piece)
}

#[cfg(test)]
mod tests;
