//! For the tests within the crate: a plain journal, and a place to count it in.

use std::fs;

use ndxp_model::{Sequence, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{
    BaselineImported, BaselineRow, Connection, Entry, TransactionClosed,
};

use crate::error::CountersError;
use crate::home::Home;
use crate::projection::Projection;
use crate::{Counters, open};

/// 2022-07-31T12:00:00Z: with a closing every two minutes, a month ends after five hours.
const START_US: i64 = 1_659_268_800_000_000;

/// Closings alone, of seven outcomes on three connections.
pub fn entries(count: u64) -> Vec<Entry> {
    (1..=count)
        .map(|sequence| {
            let place = i64::try_from(sequence).expect("a test is short");
            let closed = TransactionClosed {
                connection: Some(Connection {
                    consumer: "H26/lgsp".to_owned(),
                    provider: "G01/population".to_owned(),
                    service: format!("gov.Service{}", sequence % 3),
                }),
                outcome: i32::try_from(place % 7 + 1).expect("at most 7"),
                total_us: sequence * 37,
                response_bytes: sequence,
                ..TransactionClosed::default()
            };
            Entry {
                sequence,
                committed_at_us: START_US + place * 120_000_000,
                body: Some(Body::Closed(closed)),
            }
        })
        .collect()
}

/// An import of one number of transactions in total, in a year.
pub fn baseline(year: &str, value: u64) -> BaselineImported {
    let span: ndxp_baseline::Span = year.parse().expect("a year");
    let row = BaselineRow {
        from_day: span.from.map(|day| day.number()),
        to_day: span.to.map(|day| day.number()),
        value,
        source: 1,
        ..BaselineRow::default()
    };
    BaselineImported {
        sources: vec!["Báo cáo năm".to_owned()],
        rows: vec![row],
        ..BaselineImported::default()
    }
}

/// A directory of its own.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a place for temporary files"))
    }

    pub fn start(&self, entries: Vec<Entry>) -> Result<Counters, CountersError> {
        let directory = self.0.path().join("counters");
        Counters::start(directory, Zone::viet_nam(), entries, |_, _| {})
    }

    /// A projection that has not begun.
    pub fn projection(&self, entries: Vec<Entry>) -> Projection {
        let directory = self.0.path().join("counters");
        let progress = Box::new(|_: Sequence, _: Sequence| {});
        open(&directory, Zone::viet_nam(), Box::new(entries), progress).expect("opens")
    }

    pub fn path(&self) -> std::path::PathBuf {
        self.0.path().join("counters")
    }

    /// The directory, which nobody may hold.
    pub fn home(&self) -> Home {
        Home::claim(&self.0.path().join("counters")).expect("nobody holds it")
    }

    /// How many stores were set aside here.
    pub fn set_aside(&self) -> usize {
        let names = fs::read_dir(self.0.path()).expect("lists");
        names
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.starts_with("counters.damaged-"))
            .count()
    }
}
