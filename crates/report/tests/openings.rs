//! Opening balances beside counts: in the same rows, under the same conditions, seen by the same
//! people, and never mixed in.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: what fails here fails the test that called them"
)]

use std::time::Duration;

use ndxp_baseline::Span;
use ndxp_counters::{Counters, NameSort, Names, Source, SourceError, Watermark};
use ndxp_model::{Instant, MemberClass, Party, Sequence, SystemKind, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{
    BaselineImported, BaselineRow, Connection, Entry, Outcome, TransactionClosed,
};
use ndxp_proto::statistics::v1::{CountFilter, CountRequest, CountResponse, Dimension, Opening};
use ndxp_report::count;

/// A journal at rest.
struct Written(Vec<Entry>);

impl Source for Written {
    fn position(&self) -> Result<Watermark, SourceError> {
        Ok(self
            .0
            .last()
            .map_or_else(Watermark::default, |last| Watermark {
                sequence: Sequence::new(last.sequence),
                at: Instant::from_micros(last.committed_at_us),
            }))
    }

    fn wait_beyond(&self, _after: Sequence, _timeout: Duration) -> bool {
        false
    }

    fn entries(
        &self,
        from: Sequence,
        through: Sequence,
    ) -> Box<dyn Iterator<Item = Result<Entry, SourceError>> + '_> {
        let within = move |entry: &&Entry| (from.get()..=through.get()).contains(&entry.sequence);
        Box::new(self.0.iter().filter(within).cloned().map(Ok))
    }
}

/// A registry in which H02 has merged into H01.
struct Registry;

impl Names for Registry {
    fn kind(&self, system: &str) -> Option<SystemKind> {
        system.starts_with('G').then_some(SystemKind::Database)
    }

    fn class(&self, member: &str) -> Option<MemberClass> {
        member.starts_with('H').then_some(MemberClass::Province)
    }

    fn member_successor(&self, member: &str) -> String {
        if member == "H02" { "H01" } else { member }.to_owned()
    }

    fn system_successor(&self, system: &str) -> String {
        system.replace("H02/", "H01/")
    }

    fn title(&self, _party: &str) -> Option<String> {
        None
    }

    fn knows(&self, _sort: NameSort, _name: &str) -> bool {
        false
    }

    fn all(&self, _sort: NameSort) -> Vec<String> {
        Vec::new()
    }
}

fn connection(consumer: &str) -> Connection {
    Connection {
        consumer: consumer.to_owned(),
        provider: "G01/population".to_owned(),
        service: "a.v1.Verify".to_owned(),
    }
}

/// Rows as (period, consumer or nothing for the total, measure or nothing for transactions, value).
fn import(rows: &[(&str, &str, &str, u64)]) -> BaselineImported {
    let mut import = BaselineImported {
        sources: vec!["Báo cáo 105".to_owned()],
        ..BaselineImported::default()
    };
    let place = |length: usize| u32::try_from(length).unwrap();
    for (period, consumer, measure, value) in rows {
        let span: Span = period.parse().unwrap();
        let mut row = BaselineRow {
            from_day: span.from.map(|day| day.number()),
            to_day: span.to.map(|day| day.number()),
            value: *value,
            source: 1,
            ..BaselineRow::default()
        };
        if !consumer.is_empty() {
            import.connections.push(connection(consumer));
            row.connection = place(import.connections.len());
        }
        if !measure.is_empty() {
            import.measures.push((*measure).to_owned());
            row.measure = place(import.measures.len());
        }
        import.rows.push(row);
    }
    import
}

fn start(text: &str) -> Instant {
    Zone::viet_nam().moment(text).unwrap().from
}

fn closing(consumer: &str) -> Body {
    Body::Closed(TransactionClosed {
        connection: Some(connection(consumer)),
        outcome: Outcome::Completed.into(),
        ..TransactionClosed::default()
    })
}

/// The import before July 2022, and two calls of H01 and one of H03 in July.
async fn told(folder: &std::path::Path, import: BaselineImported) -> Counters {
    let bodies = [
        ("2022-07-01T08", Body::BaselineImported(import)),
        ("2022-07-01T09", closing("H01/lgsp")),
        ("2022-07-02T09", closing("H01/lgsp")),
        ("2022-07-02T10", closing("H03/lgsp")),
    ];
    let entries = (1..).zip(bodies).map(|(sequence, (at, body))| Entry {
        sequence,
        committed_at_us: start(at).as_micros(),
        body: Some(body),
    });
    let written = Written(entries.collect());
    let counters = Counters::start(folder, Zone::viet_nam(), written, |_, _| {}).unwrap();
    counters.reached(Sequence::new(4)).await.unwrap();
    counters
}

fn asked(
    counters: &Counters,
    party: Option<&str>,
    change: impl FnOnce(&mut CountRequest),
) -> CountResponse {
    let mut request = CountRequest {
        with_baselines: true,
        ..CountRequest::default()
    };
    change(&mut request);
    let party = party.map(|code| Party::Member(code.parse().unwrap()));
    let (zone, now) = (Zone::viet_nam(), start("2022-07-23"));
    count(counters, &request, party, &Registry, &zone, now).unwrap()
}

/// Row, transactions counted, transactions of balances.
fn rows(answer: &CountResponse) -> Vec<(&str, u64, u64)> {
    let counted =
        |row: &ndxp_proto::statistics::v1::CountRow| row.counts.as_ref().unwrap().transactions;
    let opening =
        |row: &ndxp_proto::statistics::v1::CountRow| row.opening.as_ref().unwrap().transactions;
    let rows = answer.rows.iter();
    rows.map(|row| (&*row.key, counted(row), opening(row)))
        .collect()
}

fn opening(answer: &CountResponse) -> &Opening {
    answer.opening.as_ref().unwrap()
}

fn history() -> BaselineImported {
    import(&[
        ("2021-06", "H01/lgsp", "", 100),
        ("2021-06", "H02/lgsp", "", 20),
        ("2021-07-22", "H09/old", "", 3),
        ("before 2021", "", "", 5_000),
        ("2021", "", "records", 70),
    ])
}

#[tokio::test]
async fn balances_stand_beside_counts_in_the_rows_that_are_asked_for() {
    use Dimension::{Class, Consumer, Day, Method, Month, Outcome, Service, Week};
    /// A dimension, and of each row its key, what was counted and what was taken over.
    type Row = (Dimension, &'static [(&'static str, u64, u64)]);
    let folder = tempfile::tempdir().unwrap();
    let counters = told(folder.path(), history()).await;
    let table: [Row; 8] = [
        (
            Consumer,
            &[
                ("-", 0, 5_000),
                ("H01/lgsp", 2, 100),
                ("H02/lgsp", 0, 20),
                ("H03/lgsp", 1, 0),
                ("H09/old", 0, 3),
            ],
        ),
        (Service, &[("-", 0, 5_000), ("a.v1.Verify", 3, 123)]),
        (Method, &[("-", 0, 5_000), ("a.v1.Verify/-", 3, 123)]),
        (Class, &[("-", 0, 5_000), ("province", 3, 123)]),
        (Outcome, &[("-", 0, 5_123), ("completed", 3, 0)]),
        (
            Month,
            &[
                ("-", 0, 5_000),
                ("2021-06", 0, 120),
                ("2021-07", 0, 3),
                ("2022-07", 3, 0),
            ],
        ),
        (
            Week,
            &[("-", 0, 5_120), ("2021-W29", 0, 3), ("2022-W26", 3, 0)],
        ),
        (
            Day,
            &[
                ("-", 0, 5_120),
                ("2021-07-22", 0, 3),
                ("2022-07-01", 1, 0),
                ("2022-07-02", 2, 0),
            ],
        ),
    ];
    for (by, wanted) in table {
        let answer = asked(&counters, None, |request| request.by = by.into());
        assert_eq!(rows(&answer), wanted, "{by:?}");
        let total = opening(&answer);
        assert_eq!((total.transactions, total.left_out), (5_123, 0));
        assert_eq!(total.sources, ["Báo cáo 105"]);
        assert_eq!(total.measures.len(), 1);
        let without = asked(&counters, None, |request| {
            request.by = by.into();
            request.with_baselines = false;
        });
        assert_eq!(
            without.total, answer.total,
            "what is counted is counted apart"
        );
        assert_eq!(without.opening, None);
        assert!(without.rows.iter().all(|row| row.opening.is_none()));
    }
}

#[tokio::test]
async fn rows_of_balances_sum_to_their_total_under_any_condition() {
    let folder = tempfile::tempdir().unwrap();
    let counters = told(folder.path(), history()).await;
    for by in 1..=15 {
        for (filter, by_successor, top, party) in [
            (CountFilter::default(), false, 0, None),
            (CountFilter::default(), true, 2, None),
            (CountFilter::default(), false, 0, Some("H02")),
            (
                CountFilter {
                    consumer: "H01".to_owned(),
                    ..CountFilter::default()
                },
                true,
                0,
                None,
            ),
        ] {
            let is_by_time = (7..=9).contains(&by) || by == 13;
            let answer = asked(&counters, party, |request| {
                request.by = by;
                request.filter = Some(filter);
                request.by_successor = by_successor;
                request.top = if is_by_time { 0 } else { top };
            });
            let rows = answer.rows.iter().chain(&answer.others);
            let rows = rows.map(|row| row.opening.clone().unwrap());
            let (mut transactions, mut records) = (0, 0);
            for row in rows {
                transactions += row.transactions;
                records += row.measures.iter().map(|sum| sum.value).sum::<u64>();
            }
            let total = opening(&answer);
            let total_records: u64 = total.measures.iter().map(|sum| sum.value).sum();
            assert_eq!(
                (transactions, records),
                (total.transactions, total_records),
                "{by}"
            );
        }
    }
}

#[tokio::test]
async fn names_periods_and_successors_choose_balances_as_they_choose_counts() {
    let folder = tempfile::tempdir().unwrap();
    let counters = told(folder.path(), history()).await;
    let consumer = |name: &str| {
        Some(CountFilter {
            consumer: name.to_owned(),
            ..CountFilter::default()
        })
    };
    let outcome = CountFilter {
        outcome: Outcome::Completed.into(),
        ..CountFilter::default()
    };
    let us = |text: &str| start(text).as_micros();
    // Filter, by successor, from, to, transactions of balances, left out.
    let table = [
        (None, false, 0, 0, 5_123, 0),
        (consumer("H01"), false, 0, 0, 100, 2),
        (consumer("H01"), true, 0, 0, 120, 2),
        (consumer("H09/old"), false, 0, 0, 3, 2),
        (Some(outcome), false, 0, 0, 0, 5),
        (None, false, us("2021-01-01"), us("2022-01-01"), 123, 0),
        (None, false, us("2021-07-01"), us("2022-01-01"), 3, 1),
        (None, false, us("2022-01-01"), 0, 0, 0),
        (None, false, 0, us("2021-01-01"), 5_000, 0),
        (None, false, 0, us("2020-12-01"), 0, 1),
    ];
    for (filter, by_successor, from_us, to_us, transactions, left_out) in table {
        let shown = format!("{filter:?} {by_successor} {from_us} {to_us}");
        let answer = asked(&counters, None, |request| {
            request.filter = filter;
            request.by_successor = by_successor;
            (request.from_us, request.to_us) = (from_us, to_us);
        });
        let total = opening(&answer);
        assert_eq!(
            (total.transactions, total.left_out),
            (transactions, left_out),
            "{shown}"
        );
        assert_eq!(answer.rows, [], "no rows were asked for");
    }
}

#[tokio::test]
async fn a_member_sees_balances_of_its_own_connections_only() {
    let folder = tempfile::tempdir().unwrap();
    let counters = told(folder.path(), history()).await;
    for (member, wanted) in [("H01", 100), ("H02", 20), ("H03", 0), ("G01", 123)] {
        let answer = asked(&counters, Some(member), |request| {
            request.by = Dimension::Consumer.into();
        });
        let total = opening(&answer);
        assert_eq!(
            (total.transactions, total.left_out),
            (wanted, 0),
            "{member}"
        );
        assert_eq!(
            total.measures,
            [],
            "what is stated in total is not for members"
        );
    }
}

#[tokio::test]
async fn the_highest_rows_are_so_with_their_balances() {
    let folder = tempfile::tempdir().unwrap();
    let counters = told(folder.path(), history()).await;
    let answer = asked(&counters, None, |request| {
        request.by = Dimension::Consumer.into();
        request.top = 3;
    });
    assert_eq!(
        rows(&answer),
        [("-", 0, 5_000), ("H01/lgsp", 2, 100), ("H02/lgsp", 0, 20)]
    );
    let others = answer.others.unwrap();
    assert_eq!(
        (answer.others_rows, others.opening.unwrap().transactions),
        (2, 3)
    );
    assert_eq!(others.counts.unwrap().transactions, 1);
}
