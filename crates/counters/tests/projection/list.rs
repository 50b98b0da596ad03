//! A journal that is a list, shared by whoever appends and whoever follows.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use ndxp_counters::{Source, SourceError, Watermark};
use ndxp_model::{Instant, Sequence};
use ndxp_proto::journal::v1::Entry;

#[derive(Clone, Default)]
pub struct List {
    shared: Arc<(Mutex<Entries>, Condvar)>,
}

#[derive(Default)]
struct Entries {
    entries: Vec<Entry>,
    closed: bool,
}

impl List {
    pub fn of(entries: &[Entry]) -> Self {
        let list = Self::default();
        list.append(entries);
        list
    }

    pub fn append(&self, entries: &[Entry]) {
        let (list, grown) = &*self.shared;
        list.lock().unwrap().entries.extend_from_slice(entries);
        grown.notify_all();
    }

    pub fn close(&self) {
        let (list, grown) = &*self.shared;
        list.lock().unwrap().closed = true;
        grown.notify_all();
    }

    pub fn end(&self) -> Sequence {
        self.position().unwrap().sequence
    }
}

impl Source for List {
    fn position(&self) -> Result<Watermark, SourceError> {
        let (list, _) = &*self.shared;
        let list = list.lock().unwrap();
        Ok(list
            .entries
            .last()
            .map_or_else(Watermark::default, |entry| Watermark {
                sequence: Sequence::new(entry.sequence),
                at: Instant::from_micros(entry.committed_at_us),
            }))
    }

    fn wait_beyond(&self, after: Sequence, timeout: Duration) -> bool {
        let (list, grown) = &*self.shared;
        let ends = |entries: &Entries| entries.entries.last().map_or(0, |entry| entry.sequence);
        let waits = |entries: &mut Entries| !entries.closed && ends(entries) <= after.get();
        let list = list.lock().unwrap();
        let (list, _) = grown.wait_timeout_while(list, timeout, waits).unwrap();
        !list.closed || ends(&list) > after.get()
    }

    fn entries(
        &self,
        from: Sequence,
        through: Sequence,
    ) -> Box<dyn Iterator<Item = Result<Entry, SourceError>> + '_> {
        let (list, _) = &*self.shared;
        let entries = &list.lock().unwrap().entries;
        let wanted = from.get()..=through.get();
        let found: Vec<_> = entries
            .iter()
            .filter(|entry| wanted.contains(&entry.sequence))
            .cloned()
            .map(Ok)
            .collect();
        Box::new(found.into_iter())
    }
}
