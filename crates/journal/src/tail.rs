//! The end of the journal on disk: writes groups of frames into the active segment, seals it
//! when it is full, and goes on in the next.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndxp_model::{Instant, Sequence};

use crate::directory::{PREPARED, segment_name};
use crate::disk::{Disk, DiskFile};
use crate::error::DiskError;
use crate::format::{Form, HEAD_BYTES, JournalId, SegmentHead, footer_bytes};
use crate::journal::Options;
use crate::prepare::Preparer;
use crate::segments::{Segment, Segments, marks_of};

/// What a failed call to the disk means for the journal.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing of what was asked is visible, and it may be asked again.
    OutOfSpace(DiskError),
    /// What is on the disk is not known before the next start.
    Fatal(DiskError),
}

/// Bytes of the next segment that are due for each that goes into the second half of the active
/// one: all of them when five sixths of it are full.
const PREPARED_FOR_EACH: u64 = 3;

pub(crate) struct Tail {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    journal: JournalId,
    segment_bytes: u64,
    segments: Arc<Segments>,
    preparer: Preparer,
    /// Taken from the preparer and not yet a segment.
    prepared: Option<Arc<dyn DiskFile>>,
    active: Option<Active>,
}

/// The segment that is written to. Its frames are described in [`Segments`].
#[derive(Debug)]
pub(crate) struct Active {
    pub open: Arc<dyn DiskFile>,
    pub file: Arc<Path>,
    pub capacity: u64,
    pub frames: u64,
    pub end: u64,
}

impl Tail {
    pub fn new(
        options: Options,
        disk: Arc<dyn Disk>,
        journal: JournalId,
        segments: Arc<Segments>,
        active: Option<Active>,
        preparer: Preparer,
    ) -> Self {
        let Options {
            directory,
            segment_bytes,
        } = options;
        let mut tail = Self {
            disk,
            directory,
            journal,
            segment_bytes,
            segments,
            preparer,
            prepared: None,
            active,
        };
        tail.prepare_in_time();
        tail
    }

    /// Bytes of frames that the active segment still takes, if they are so many frames.
    pub fn room(&self, frames: u64) -> u64 {
        self.active
            .as_ref()
            .map_or(0, |active| active.room(active.frames + frames))
    }

    /// Seals the active segment, if there is one, and makes the next, which takes any one frame.
    pub fn roll(&mut self, first: Sequence, now: Instant) -> Result<(), Failure> {
        self.seal()?;
        let open = match self.prepared.take() {
            Some(open) => open,
            None => self.preparer.take().map_err(Failure::of_write)?,
        };
        let result = self.activate(&open, first, now);
        match result {
            Ok(file) => {
                self.segments.push(Segment::empty(Arc::clone(&file), first));
                self.active = Some(Active {
                    open,
                    file,
                    capacity: self.segment_bytes,
                    frames: 0,
                    end: HEAD_BYTES as u64,
                });
                Ok(())
            }
            Err(failure) => {
                self.prepared = Some(open);
                Err(failure)
            }
        }
    }

    /// One write, one sync. The group fits: see [`Tail::room`].
    pub fn write(&mut self, group: &[u8], frames: u64) -> Result<(), Failure> {
        let active = self
            .active
            .as_mut()
            .expect("a group is made for an active segment");
        if let Err(error) = active.open.write_at(group, active.end) {
            let failure = Failure::of_write(DiskError::at("write", &active.file)(error));
            if matches!(failure, Failure::OutOfSpace(_)) {
                active.blank(group.len());
            }
            return Err(failure);
        }
        active.sync()?;
        active.frames += frames;
        active.end += group.len() as u64;
        self.prepare_in_time();
        Ok(())
    }

    /// Ends the active segment with its footer. One without frames stays as it is.
    pub fn seal(&mut self) -> Result<(), Failure> {
        let Some(active) = self.active.as_ref().filter(|active| active.frames > 0) else {
            return Ok(());
        };
        let segment = self.segments.last();
        let segment = segment.expect("the active segment is the last of the segments");
        let footer = segment.footer().encode(self.journal.seed());
        let file = &active.file;
        active
            .open
            .write_at(&footer, active.end)
            .map_err(|error| Failure::of_write(DiskError::at("seal", file)(error)))?;
        active.sync()?;
        active
            .open
            .set_bytes(active.end + footer.len() as u64)
            .map_err(|error| Failure::Fatal(DiskError::at("cut", file)(error)))?;
        active.sync()?;
        self.sync_directory()?;
        self.active = None;
        Ok(())
    }

    fn activate(
        &self,
        open: &Arc<dyn DiskFile>,
        first: Sequence,
        now: Instant,
    ) -> Result<Arc<Path>, Failure> {
        let head = SegmentHead {
            form: Form::Plain,
            journal: self.journal,
            first,
            created_at: now,
            capacity: self.segment_bytes,
        };
        let prepared = self.directory.join(PREPARED);
        let file = self.directory.join(segment_name(first));
        open.write_at(&head.encode(), 0)
            .map_err(|error| Failure::of_write(DiskError::at("begin", &prepared)(error)))?;
        open.sync_data()
            .map_err(|error| Failure::Fatal(DiskError::at("sync", &prepared)(error)))?;
        self.disk
            .rename(&prepared, &file)
            .map_err(|error| Failure::of_write(DiskError::at("rename", &prepared)(error)))?;
        self.sync_directory()?;
        Ok(file.into())
    }

    fn sync_directory(&self) -> Result<(), Failure> {
        self.disk
            .sync_directory(&self.directory)
            .map_err(|error| Failure::Fatal(DiskError::at("sync", &self.directory)(error)))
    }

    /// Asks for the next segment when the active one is half full, and for all of it before that is
    /// full. Without an active one it is needed at once.
    fn prepare_in_time(&mut self) {
        if self.prepared.is_some() {
            return;
        }
        match &self.active {
            None => self.preparer.request(u64::MAX),
            Some(active) => {
                if let Some(behind_half) = active.end.checked_sub(active.capacity / 2) {
                    // The next may be larger, if its size was changed since.
                    let times = self.segment_bytes.div_ceil(active.capacity.max(1));
                    let due = PREPARED_FOR_EACH.saturating_mul(times);
                    self.preparer.request(due.saturating_mul(behind_half));
                }
            }
        }
    }
}

impl Active {
    fn room(&self, frames: u64) -> u64 {
        // A sealed segment is shorter than its capacity, which tells it from an active one.
        let kept = footer_bytes(marks_of(frames)) + 1;
        self.capacity.saturating_sub(self.end + kept)
    }

    fn sync(&self) -> Result<(), Failure> {
        self.open
            .sync_data()
            .map_err(|error| Failure::Fatal(DiskError::at("sync", &self.file)(error)))
    }

    /// Tidies up behind a write that found no room. It may fail for the same reason, and that is
    /// harmless: the batch's last frame is not there, so that no part of it is valid.
    fn blank(&self, bytes: usize) {
        drop(self.open.write_at(&vec![0; bytes], self.end));
    }
}

impl Failure {
    fn of_write(error: DiskError) -> Self {
        if error.is_out_of_space() {
            Self::OutOfSpace(error)
        } else {
            Self::Fatal(error)
        }
    }
}
