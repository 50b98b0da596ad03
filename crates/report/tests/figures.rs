//! Figures as a hub answers them: a journal of a few calls, counted by the real counters, and a
//! registry folded from the same entries.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use ndxp_counters::{Counters, NoNames, Source, SourceError, Watermark};
use ndxp_model::{Instant, Sequence, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{
    Connection, Entry, Measure, Outcome, RegistryChanged, SystemConnected, TransactionClosed,
};
use ndxp_proto::registry::v1::change::Item;
use ndxp_proto::registry::v1::{Change, Member, MemberClass, State, System, SystemKind};
use ndxp_proto::statistics::v1::{CountRequest, CountRow, Dimension, Figure};
use ndxp_registry::Registry;
use ndxp_report::{DEFINITIONS, RegistryNames, ReportError, RequestError, count, figures};

/// A journal that holds what it was given and nothing more.
struct Written {
    entries: Vec<Entry>,
    quiet: (Mutex<()>, Condvar),
}

impl Source for Written {
    fn position(&self) -> Result<Watermark, SourceError> {
        Ok(self
            .entries
            .last()
            .map_or_else(Watermark::default, |last| Watermark {
                sequence: Sequence::new(last.sequence),
                at: Instant::from_micros(last.committed_at_us),
            }))
    }

    fn wait_beyond(&self, _after: Sequence, timeout: Duration) -> bool {
        let (lock, woken) = &self.quiet;
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        drop(woken.wait_timeout(guard, timeout));
        true
    }

    fn entries(
        &self,
        from: Sequence,
        through: Sequence,
    ) -> Box<dyn Iterator<Item = Result<Entry, SourceError>> + '_> {
        let within = move |entry: &&Entry| (from.get()..=through.get()).contains(&entry.sequence);
        Box::new(self.entries.iter().filter(within).cloned().map(Ok))
    }
}

/// Entries in order, with the local hours in which they were committed.
#[derive(Default)]
struct Story(Vec<Entry>);

impl Story {
    fn at(mut self, hour: &str, body: Body) -> Self {
        let sequence = self.0.len() as u64 + 1;
        let committed_at_us = at(hour).as_micros();
        self.0.push(Entry {
            sequence,
            committed_at_us,
            body: Some(body),
        });
        self
    }

    /// The registry as of the instant, and counters that have applied everything.
    async fn fold(&self, as_of: Instant, directory: &std::path::Path) -> (Registry, Counters) {
        let mut registry = Registry::empty();
        for entry in &self.0 {
            if entry.committed_at_us < as_of.as_micros() {
                registry.apply(entry).expect("the story can be folded");
            }
        }
        let written = Written {
            entries: self.0.clone(),
            quiet: <_>::default(),
        };
        let counters = Counters::start(directory, Zone::viet_nam(), written, |_, _| {})
            .expect("the counters start");
        let last = Sequence::new(self.0.len() as u64);
        counters.reached(last).await.expect("the counters catch up");
        (registry, counters)
    }
}

fn at(hour: &str) -> Instant {
    Zone::viet_nam().moment(hour).expect("a time").from
}

fn registered() -> Body {
    let member = |code: &str, class: MemberClass| {
        Item::Member(Member {
            code: code.to_owned(),
            name_vi: code.to_owned(),
            class: class.into(),
            state: State::Active.into(),
            ..Member::default()
        })
    };
    let system = |id: &str, kind: SystemKind| {
        Item::System(System {
            id: id.to_owned(),
            kind: kind.into(),
            state: State::Active.into(),
            ..System::default()
        })
    };
    let items = [
        member("G01", MemberClass::Ministry),
        member("H26", MemberClass::Province),
        member("H63", MemberClass::Province),
        system("G01/population", SystemKind::Database),
        system("H26/lgsp", SystemKind::Lgsp),
        system("H63/lgsp", SystemKind::Lgsp),
    ];
    Body::RegistryChanged(RegistryChanged {
        changes: items.map(|item| Change { item: Some(item) }).to_vec(),
        ..RegistryChanged::default()
    })
}

fn call(consumer: &str, outcome: Outcome, test: bool) -> Body {
    Body::Closed(TransactionClosed {
        transaction_id: vec![7; 16],
        connection: Some(Connection {
            consumer: consumer.to_owned(),
            provider: "G01/population".to_owned(),
            service: "ndxp.example.population.v1.PopulationService".to_owned(),
        }),
        outcome: outcome.into(),
        test,
        ..TransactionClosed::default()
    })
}

/// Calls from December to August; H63 shakes hands in August alone.
fn story() -> Story {
    use Outcome::{Completed, ProviderError, Refused, Unreachable};
    let handshake = |system: &str| {
        Body::SystemConnected(SystemConnected {
            system: system.to_owned(),
        })
    };
    Story::default()
        .at("2021-12-31T22", registered())
        .at("2021-12-31T23", call("H26/lgsp", Completed, false))
        .at("2022-01-01T00", call("H26/lgsp", Completed, false))
        .at("2022-06-30T23", call("H26/lgsp", ProviderError, false))
        .at("2022-07-01T00", call("H26/lgsp", Completed, false))
        .at("2022-07-10T09", call("H26/lgsp", Refused, false))
        .at("2022-07-10T09", call("H26/lgsp", Unreachable, false))
        .at("2022-07-10T09", call("H26/lgsp", Completed, true))
        .at("2022-07-22T23", call("H26/lgsp", Completed, false))
        .at("2022-07-23T00", call("H26/lgsp", Completed, false))
        .at("2022-08-01T00", handshake("H63/lgsp"))
}

#[track_caller]
fn value(figures: &[Figure], name: &str) -> u64 {
    let figure = figures.iter().find(|figure| figure.name == name);
    figure.unwrap_or_else(|| panic!("no figure {name}")).value
}

#[tokio::test]
async fn every_figure_is_cut_off_at_the_same_instant() {
    let folder = tempfile::tempdir().unwrap();
    let (cut_off, now) = (at("2022-07-23"), at("2022-09-01"));
    let (registry, counters) = story().fold(cut_off, folder.path()).await;
    let found = figures(&counters, &registry, &Zone::viet_nam(), None, cut_off, now).unwrap();

    let names: Vec<_> = found.iter().map(|figure| figure.name.as_str()).collect();
    assert_eq!(names, DEFINITIONS.map(|definition| definition.name));
    let values: Vec<_> = found.iter().map(|it| (it.value, it.out_of)).collect();
    let wanted = [
        (2, 0), // 1 and 22 July; not refused, unreachable or tests, not the 23rd
        (5, 0),
        (4, 0), // without December
        (0, 0), // 4 in 203 days
        (2, 3), // G01 and H26; H63 shook hands only in August
        (1, 0),
        (1, 0),
        (0, 0),
        (0, 1), // G01's database is no LGSP
        (1, 2),
    ];
    assert_eq!(values, wanted);
    assert_eq!(found[4].missing, ["H63"]);
    assert_eq!(found[9].missing, ["H63"]);
    counters.stop();
}

#[tokio::test]
async fn a_figure_names_the_entries_that_it_rests_on() {
    let folder = tempfile::tempdir().unwrap();
    let (cut_off, now) = (at("2022-07-23"), at("2022-09-01"));
    let (registry, counters) = story().fold(cut_off, folder.path()).await;
    let found = figures(&counters, &registry, &Zone::viet_nam(), None, cut_off, now).unwrap();

    let ranges: Vec<_> = [0, 1, 2, 4]
        .map(|place| found[place].proof.as_ref().unwrap())
        .map(|proof| (proof.first_sequence, proof.last_sequence))
        .to_vec();
    assert_eq!(ranges, [(5, 9), (2, 9), (3, 9), (1, 9)]);
    for figure in &found {
        let proof = figure.proof.as_ref().unwrap();
        assert_eq!(proof.to_us, cut_off.as_micros(), "{}", figure.name);
        assert_eq!(proof.watermark, 11, "{}", figure.name);
        assert!(proof.closed, "{}", figure.name);
        assert_eq!(proof.time_zone, "Asia/Ho_Chi_Minh");
    }
    counters.stop();
}

#[tokio::test]
async fn the_running_hour_is_counted_and_stays_open() {
    let folder = tempfile::tempdir().unwrap();
    let now = Instant::from_micros(at("2022-08-01T00").as_micros() + 1);
    let (registry, counters) = story().fold(now, folder.path()).await;
    let zone = Zone::viet_nam();
    let found = figures(&counters, &registry, &zone, Some("2022-07"), now, now).unwrap();
    assert_eq!(value(&found, "transactions_month"), 3);
    assert_eq!(value(&found, "transactions_since_launch"), 6);
    assert_eq!(
        value(&found, "members_connected"),
        3,
        "H63 has shaken hands"
    );
    let closed = |place: usize| found[place].proof.as_ref().unwrap().closed;
    assert!(closed(0), "July is over");
    assert!(!closed(1), "the hour that the cut-off lies in is not");
    counters.stop();
}

#[tokio::test]
async fn an_empty_journal_answers_zero() {
    let folder = tempfile::tempdir().unwrap();
    let now = at("2022-07-22T09");
    let (registry, counters) = Story::default().fold(now, folder.path()).await;
    let found = figures(&counters, &registry, &Zone::viet_nam(), None, now, now).unwrap();
    for figure in &found {
        assert_eq!((figure.value, figure.out_of), (0, 0), "{}", figure.name);
        let proof = figure.proof.as_ref().unwrap();
        assert_eq!((proof.first_sequence, proof.last_sequence), (0, 0));
        assert!(!proof.closed);
    }
    counters.stop();
}

#[tokio::test]
async fn counts_come_with_the_proof_of_their_period() {
    let folder = tempfile::tempdir().unwrap();
    let (_, counters) = story().fold(at("2022-09-01"), folder.path()).await;
    let zone = Zone::viet_nam();
    let ask = |from_us, to_us, by: i32| {
        let request = CountRequest {
            from_us,
            to_us,
            by,
            ..CountRequest::default()
        };
        count(&counters, &request, None, &NoNames, &zone, at("2022-09-01"))
    };

    let (from, to) = (at("2022-07-01").as_micros(), at("2022-08-01").as_micros());
    let july = ask(from, to, Dimension::Day.into()).unwrap();
    let keys: Vec<_> = july.rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(
        keys,
        ["2022-07-01", "2022-07-10", "2022-07-22", "2022-07-23"]
    );
    let total = july.total.unwrap();
    assert_eq!((total.transactions, total.attempts), (3, 5));
    let proof = july.proof.unwrap();
    assert_eq!((proof.from_us, proof.to_us, proof.closed), (from, to, true));
    assert_eq!((proof.first_sequence, proof.last_sequence), (5, 10));

    let all = ask(0, 0, Dimension::Unspecified.into()).unwrap();
    assert!(all.rows.is_empty());
    assert_eq!(all.total.unwrap().transactions, 6);
    let proof = all.proof.unwrap();
    assert_eq!((proof.from_us, proof.to_us, proof.closed), (0, 0, false));

    assert!(
        matches!(ask(1, 0, 0), Err(ReportError::Counters(_))),
        "not on an hour"
    );
    assert!(matches!(
        ask(0, 0, 99),
        Err(ReportError::Request(RequestError::UnknownDimension(99)))
    ));
    counters.stop();
}

/// Calls of four provinces before H02 closed for H26, and H10 for H63, which closed for H26 too.
fn merging_story() -> Story {
    use Outcome::{Completed, Refused};
    let closed = |code: &str, successor: &str| Change {
        item: Some(Item::Member(Member {
            code: code.to_owned(),
            name_vi: code.to_owned(),
            class: MemberClass::Province.into(),
            state: State::Closed.into(),
            successor: successor.to_owned(),
            ..Member::default()
        })),
    };
    let of = |consumer: &str, bytes: u64, took_us: u64| {
        let Body::Closed(mut body) = call(consumer, Completed, false) else {
            unreachable!("a call is a closing")
        };
        body.request_bytes = bytes;
        body.total_us = took_us;
        body.measures = vec![Measure {
            name: "records".to_owned(),
            value: bytes,
        }];
        Body::Closed(body)
    };
    let changes = ["H02", "H63"].map(|code| closed(code, "H26"));
    let changes = changes.into_iter().chain([closed("H10", "H63")]);
    Story::default()
        .at("2022-07-01T00", registered())
        .at("2022-07-01T01", of("H02/lgsp", 1, 500))
        .at("2022-07-01T02", of("H10/lgsp", 20, 9_000))
        .at("2022-07-01T03", of("H26/lgsp", 300, 700))
        .at("2022-07-01T04", of("H63/lgsp", 4_000, 600))
        .at("2022-07-01T05", of("H63/portal", 50_000, 800))
        .at("2022-07-01T06", call("H02/lgsp", Refused, false))
        .at("2022-07-01T07", call("", Refused, false))
        .at(
            "2022-07-01T08",
            Body::RegistryChanged(RegistryChanged {
                changes: changes.collect(),
                ..RegistryChanged::default()
            }),
        )
}

/// Key, attempts and transactions of a row.
type Row<'a> = (&'a str, u64, u64);

fn row_of(row: &CountRow) -> Row<'_> {
    let counts = row.counts.as_ref().expect("a row has counts");
    (&row.key, counts.attempts, counts.transactions)
}

#[tokio::test]
async fn by_successor_the_rows_of_the_closed_are_added_to_those_who_carry_on() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, counters) = merging_story().fold(at("2022-09-01"), folder.path()).await;
    let ask = |by: Dimension, by_successor| {
        let request = CountRequest {
            by: by.into(),
            by_successor,
            ..CountRequest::default()
        };
        let (names, zone, now) = (RegistryNames(&registry), Zone::viet_nam(), at("2022-09-01"));
        count(&counters, &request, None, &names, &zone, now).unwrap()
    };
    const TO: &str = ">G01/population/ndxp.example.population.v1.PopulationService";
    let as_it_was = [
        ("-", 1, 0),
        ("H02/lgsp", 2, 1),
        ("H10/lgsp", 1, 1),
        ("H26/lgsp", 1, 1),
        ("H63/lgsp", 1, 1),
        ("H63/portal", 1, 1),
    ];
    let merged = [("-", 1, 0), ("H26/lgsp", 5, 4), ("H26/portal", 1, 1)];
    let connected = merged.map(|(key, attempts, done)| (format!("{key}{TO}"), attempts, done));
    let connected = connected
        .each_ref()
        .map(|(key, attempts, done)| (key.as_str(), *attempts, *done));
    let cases: [(Dimension, bool, &[Row<'_>]); 5] = [
        (Dimension::Consumer, false, &as_it_was),
        (Dimension::Consumer, true, &merged),
        (Dimension::Connection, true, &connected),
        (Dimension::Provider, true, &[("G01/population", 7, 5)]),
        (Dimension::Unspecified, true, &[]),
    ];
    for (by, by_successor, wanted) in cases {
        let found = ask(by, by_successor);
        let rows: Vec<_> = found.rows.iter().map(row_of).collect();
        assert_eq!(rows, wanted, "{by:?}, {by_successor}");
        let plain = ask(by, false);
        assert_eq!(found.total, plain.total);
        assert_eq!(found.proof, plain.proof);
        if by != Dimension::Unspecified {
            let sum = |of: fn(&Row<'_>) -> u64| wanted.iter().map(of).sum::<u64>();
            let total = found.total.unwrap();
            assert_eq!(sum(|row| row.1), total.attempts);
            assert_eq!(sum(|row| row.2), total.transactions);
        }
    }
    for by in [Dimension::Outcome, Dimension::Service, Dimension::Day] {
        assert_eq!(ask(by, true), ask(by, false), "{by:?}");
    }

    let found = ask(Dimension::Consumer, true);
    let heir = found.rows[1].counts.as_ref().unwrap();
    assert_eq!((heir.request_bytes, heir.measures[0].value), (4_321, 4_321));
    assert_eq!(heir.durations.as_ref().unwrap().max_us, 9_000);
    counters.stop();
}
