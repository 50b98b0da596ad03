//! The projection: follows the journal, and hands its entries to the writer until it is stopped.
//! What is damaged on the way is set aside and begun anew.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use ndxp_model::Sequence;
use ndxp_proto::journal::v1::Entry;

use crate::damage::StoreError;
use crate::error::CountersError;
use crate::home::Home;
use crate::shared::{Shared, Stop};
use crate::source::Source;
use crate::writer::{Progress, Urgency, Writer};

/// How many entries are counted between two looks at the clock and the requests, for which questions
/// wait at most; few enough to stay in a core's cache.
const LOOK_EVERY: usize = 64;
/// How long entries are left to gather, while nobody waits for them.
const GATHER: Duration = Duration::from_millis(20);
/// Longest wait for the journal, and so for a stop to be seen when nothing happens.
const IDLE_WAIT: Duration = Duration::from_millis(100);
/// The same where the journal is closed.
const CLOSED_WAIT: Duration = Duration::from_secs(1);

pub struct Projection {
    pub source: Box<dyn Source>,
    pub writer: Writer,
}

impl Projection {
    /// Behind a store that was just opened into `shared`.
    pub fn new(
        shared: Arc<Shared>,
        home: Home,
        source: Box<dyn Source>,
        end: Sequence,
        progress: Progress,
    ) -> Self {
        Self {
            source,
            writer: Writer::new(shared, home, end, progress),
        }
    }

    /// Follows until it is stopped. A failure is told once and leaves what was counted to ask.
    pub fn run(mut self) {
        let followed = catch_unwind(AssertUnwindSafe(|| self.follow()));
        let stop = match followed {
            Ok(Ok(stop)) => stop,
            Ok(Err(error)) => self.writer.fail(&error.to_string()),
            Err(_) => self
                .writer
                .fail("the projection's thread panicked; its message is in the log"),
        };
        self.finish(stop);
    }

    /// Counts everything that the journal holds now, and writes it.
    pub fn catch_up(&mut self) -> Result<(), CountersError> {
        loop {
            let end = self.source.position()?.sequence;
            let folded = self.fold_through(end);
            let caught_up = folded.and_then(|()| self.writer.write_out(end));
            match caught_up {
                Ok(()) if self.folded() == end => {
                    self.writer.caught_up();
                    return Ok(());
                }
                Ok(()) => {}
                Err(error) => self.mend(error)?,
            }
        }
    }

    /// Leaves the store as the stop wants it.
    pub fn finish(self, stop: Stop) {
        self.writer.finish(stop);
    }

    fn follow(&mut self) -> Result<Stop, CountersError> {
        loop {
            match self.turn() {
                Ok(None) => {}
                Ok(Some(stop)) => return Ok(stop),
                Err(error) => self.mend_or_wait(error)?,
            }
        }
    }

    /// Counts what is there, writes it when it is due, else waits.
    fn turn(&mut self) -> Result<Option<Stop>, CountersError> {
        if let Some(damage) = self.writer.shared.take_damage() {
            return Err(StoreError::from(damage).into());
        }
        let end = self.source.position()?.sequence;
        if let Some(stop) = self.writer.shared.stop_requested() {
            if stop == Stop::Clean && self.writer.has_store() {
                self.writer.write_out(end)?;
            }
            return Ok(Some(stop));
        }
        self.fold_through(end)?;
        let written = match self.writer.due() {
            Some(urgency) => self.writer.round(end, urgency)?,
            None => false,
        };
        if !written && !self.writer.write_piece()? && self.folded() == end {
            self.writer.caught_up();
            self.writer.shared.gather(GATHER);
            if !self.source.wait_beyond(end, IDLE_WAIT) {
                self.writer.shared.sleep(CLOSED_WAIT);
            }
        }
        Ok(None)
    }

    fn fold_through(&mut self, end: Sequence) -> Result<(), CountersError> {
        let folded = self.fold_chunks(end);
        self.writer.tell(end);
        folded
    }

    fn fold_chunks(&mut self, end: Sequence) -> Result<(), CountersError> {
        let from = self.folded().next();
        if from > end {
            return Ok(());
        }
        let Self { source, writer } = self;
        let mut entries = source.entries(from, end);
        let mut chunk = Vec::with_capacity(LOOK_EVERY);
        loop {
            chunk.clear();
            for entry in entries.by_ref().take(LOOK_EVERY) {
                chunk.push(entry?);
            }
            let mut rest: &[Entry] = &chunk;
            while !rest.is_empty() {
                let folded = writer.fold(rest, end)?;
                rest = rest.get(folded..).unwrap_or_default();
                let day_is_over = (!rest.is_empty()).then_some(Urgency::Now);
                if let Some(urgency) = day_is_over.or_else(|| writer.due()) {
                    writer.tell(end);
                    writer.round(end, urgency)?;
                }
            }
            writer.write_piece()?;
            if chunk.len() < LOOK_EVERY || writer.is_interrupted() {
                return Ok(());
            }
        }
    }

    /// The last sequence that is counted.
    fn folded(&self) -> Sequence {
        self.writer.shared.pending().watermark.sequence
    }

    /// Rebuilds where that mends the error, waits where time may.
    fn mend_or_wait(&mut self, error: CountersError) -> Result<(), CountersError> {
        match self.mend(error) {
            Err(error @ CountersError::Store(StoreError::Machine(_))) => {
                let reason = error.to_string();
                self.writer.wait_for_machine(&reason, &*self.source)
            }
            other => other,
        }
    }

    /// Rebuilds where that mends the error.
    fn mend(&mut self, error: CountersError) -> Result<(), CountersError> {
        let CountersError::Store(StoreError::Damage(damage)) = error else {
            return Err(error);
        };
        let end = self.source.position()?.sequence;
        self.writer.begin_anew(damage, &*self.source, end)
    }
}

#[cfg(test)]
mod tests {
    use ndxp_model::Zone;
    use ndxp_proto::journal::v1::entry::Body;

    use super::*;
    use crate::damage::Damage;
    use crate::home::Seal;
    use crate::key::{Key, LineId, RowKey};
    use crate::sample::{self, Place};
    use crate::shared::Health;
    use crate::store::Store;
    use crate::writer::REBUILDS_MAX;
    use crate::{CountQuery, Counters, Dimension, NoNames};

    /// A counter of the total, in all time, with bytes that nobody wrote.
    fn harm(store: &mut Store) {
        store.overwrite(&Key::Row(RowKey::All(LineId::TOTAL)), Some(vec![9]));
    }

    fn counted(counters: &Counters) -> u64 {
        let answer = counters.count(&CountQuery::since_launch(), &NoNames);
        answer.map_or(0, |answer| answer.total.attempts())
    }

    #[test]
    fn damage_that_a_question_finds_is_mended_behind_it() {
        let place = Place::new();
        let entries = sample::entries(500);
        let counters = place.start(entries.clone()).unwrap();
        while counted(&counters) < 500 {
            std::thread::yield_now();
        }
        harm(counters.inner.shared.write().as_mut().unwrap());
        let error = counters
            .count(&CountQuery::since_launch(), &NoNames)
            .unwrap_err();
        assert!(
            matches!(error, CountersError::Store(StoreError::Damage(_))),
            "{error}"
        );
        while counted(&counters) < 500 {
            assert!(
                !matches!(counters.health(), Health::Failed { .. }),
                "{counters:?}"
            );
            std::thread::yield_now();
        }
        assert_eq!(place.set_aside(), 1);
    }

    /// By connection, over the first of the sample's two months, which is over.
    fn of_lines(counters: &Counters) -> Result<u64, CountersError> {
        let zone = Zone::viet_nam();
        let query = CountQuery {
            period: zone.moment("2022-07").unwrap(),
            by: Some(Dimension::Connection),
            ..CountQuery::since_launch()
        };
        let answer = counters.count(&query, &NoNames)?;
        Ok(answer.total.attempts())
    }

    #[test]
    fn what_rests_and_is_harmed_is_never_told_and_is_written_again() {
        let place = Place::new();
        let entries = sample::entries(500);
        let counters = place.start(entries.clone()).unwrap();
        while counted(&counters) < 500 {
            std::thread::yield_now();
        }
        counters.stop();
        drop(counters);
        let file = place.path().join("past/month-2022-07");
        let mut bytes = std::fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&file, bytes).unwrap();
        let counters = place.start(entries).unwrap();
        let error = of_lines(&counters).unwrap_err();
        assert!(error.to_string().contains("past/month-2022-07"), "{error}");
        while of_lines(&counters).ok() != Some(149) {
            std::thread::yield_now();
        }
        assert_eq!(place.set_aside(), 1);
    }

    #[test]
    fn a_projection_that_failed_leaves_no_seal() {
        let place = Place::new();
        let mut entries = sample::entries(10);
        if let Some(Body::Closed(closed)) = &mut entries[9].body {
            closed.outcome = 99;
        }
        let counters = place.start(entries).unwrap();
        while !matches!(counters.health(), Health::Failed { .. }) {
            std::thread::yield_now();
        }
        counters.stop();
        drop(counters);
        assert_eq!(place.home().break_seal().unwrap(), Seal::Absent);
    }

    /// However few they are: nobody tells them later.
    #[test]
    fn those_who_wait_are_told_what_was_counted_before_a_failure() {
        let place = Place::new();
        let mut entries = sample::entries(600);
        entries[599].body = None;
        let counters = place.start(entries).unwrap();
        while !matches!(counters.health(), Health::Failed { .. }) {
            std::thread::yield_now();
        }
        assert_eq!(counters.watermark().sequence, Sequence::new(599));
    }

    #[test]
    fn damage_that_the_projection_finds_is_mended_on_the_way() {
        let place = Place::new();
        let mut projection = place.projection(sample::entries(600));
        projection.fold_through(Sequence::new(300)).unwrap();
        projection.writer.write_out(Sequence::new(600)).unwrap();
        harm(projection.writer.shared.write().as_mut().unwrap());
        projection.catch_up().unwrap();
        let shared = Arc::clone(&projection.writer.shared);
        assert_eq!(shared.notice().watermark.sequence, Sequence::new(600));
        assert_eq!(shared.read().as_ref().unwrap().state.counted, 600);
        crate::check::check(shared.read().as_ref().unwrap()).unwrap();
        assert_eq!(place.set_aside(), 1);
    }

    #[test]
    fn a_clean_stop_leaves_a_seal_that_holds_and_an_abandoned_one_none() {
        for (stop, expected) in [
            (
                Stop::Clean,
                Seal::Holds {
                    watermark: Sequence::new(50),
                },
            ),
            (Stop::Abandon, Seal::Absent),
        ] {
            let place = Place::new();
            let mut projection = place.projection(sample::entries(50));
            projection.catch_up().unwrap();
            projection.finish(stop);
            assert_eq!(place.home().break_seal().unwrap(), expected);
        }
    }

    #[test]
    fn a_store_that_is_damaged_again_and_again_is_given_up() {
        let place = Place::new();
        let mut projection = place.projection(sample::entries(10));
        for _ in 0..REBUILDS_MAX {
            projection
                .mend(StoreError::from(Damage::Headless).into())
                .unwrap();
        }
        let error = projection
            .mend(StoreError::from(Damage::Headless).into())
            .unwrap_err();
        assert!(
            matches!(error, CountersError::DamagedAgain { rebuilds: 3, .. }),
            "{error}"
        );
    }

    #[test]
    fn a_machine_that_lacks_space_is_waited_for() {
        let place = Place::new();
        let mut projection = place.projection(sample::entries(200));
        projection.fold_through(Sequence::new(120)).unwrap();
        projection.writer.retry_every = Duration::ZERO;
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = StoreError::from(sled::Error::Io(full));
        projection.mend_or_wait(error.into()).unwrap();
        projection.catch_up().unwrap();
        let shared = Arc::clone(&projection.writer.shared);
        assert_eq!(shared.notice().health, Health::Serving);
        assert_eq!(shared.read().as_ref().unwrap().state.counted, 200);
        assert_eq!(place.set_aside(), 0);

        // Stopped while it waits: it ends, and leaves no seal on what it does not hold.
        shared.request_stop(Stop::Clean);
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        projection
            .mend_or_wait(StoreError::from(sled::Error::Io(full)).into())
            .unwrap();
        projection.run();
        assert_eq!(shared.notice().health, Health::Stopped);
        assert_eq!(place.home().break_seal().unwrap(), Seal::Absent);
    }

    #[test]
    fn counting_goes_on_while_somebody_asks_for_long() {
        let place = Place::new();
        let mut projection = place.projection(sample::entries(140));
        let end = Sequence::new(140);
        projection.writer.round_every = Duration::ZERO;
        let shared = Arc::clone(&projection.writer.shared);
        let stored = || shared.read().as_ref().unwrap().state.watermark.sequence;
        let question = shared.read();
        projection.fold_through(end).unwrap();
        assert_eq!(shared.notice().watermark.sequence, end);
        drop(question);
        assert_eq!(stored(), Sequence::NONE, "the round is put off");
        let written = projection.writer.round(end, Urgency::MayWait).unwrap();
        assert!(written && stored() == end);
    }

    #[test]
    fn days_that_cannot_be_removed_are_in_nobodys_way() {
        let place = Place::new();
        let mut projection = place.projection(sample::entries(300));
        projection.catch_up().unwrap();
        let stuck = place.path().join("past/day-2020-01-01/there");
        std::fs::create_dir_all(stuck).unwrap();
        projection.finish(Stop::Clean);
        let mut projection = place.projection(sample::entries(2_000));
        projection.catch_up().unwrap();
        let shared = &projection.writer.shared;
        assert_eq!(shared.notice().health, Health::Serving);
        assert_eq!(shared.read().as_ref().unwrap().state.counted, 2_000);
        assert_eq!(place.set_aside(), 0);
    }

    #[test]
    fn what_is_pending_is_written_when_it_is_full_and_before_the_next_day() {
        // The sample's first day ends behind 149 closings; those behind it are on 108 counters.
        for (counters_max, written) in [(usize::MAX, 149), (109, 149), (108, 256)] {
            let place = Place::new();
            let (entries, end) = (sample::entries(256), Sequence::new(256));
            let mut projection = place.projection(entries);
            // Never old enough.
            projection.writer.round_every = Duration::MAX;
            projection.writer.counters_max = counters_max;
            projection.fold_through(end).unwrap();
            let shared = &projection.writer.shared;
            let stored = shared.read().as_ref().unwrap().state.watermark.sequence;
            assert_eq!(stored.get(), written, "{counters_max}");
            assert_eq!(shared.notice().watermark.sequence, end);
        }
    }
}
