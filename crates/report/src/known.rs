//! Since when what is known: a number of a period that lies before the platform's own counts, and
//! that opening balances do not tell, is not made up. Pure over the journal's beginning and the
//! balances' periods.

use ndxp_baseline::{Balances, Day, Imported};
use ndxp_model::{Granularity, Instant, Period, Zone};
use ndxp_proto::journal::v1::BaselineRow;

/// The name of transactions among the measures.
pub(crate) const TRANSACTIONS: &str = "transactions";

/// What an opening balance tells, without its number.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Told {
    /// `None` from the beginning.
    pub from: Option<Instant>,
    pub to: Instant,
    /// `transactions`, or a measure's name.
    pub measure: String,
    /// Full name of the service; empty for the total of all.
    pub service: String,
}

impl Told {
    /// What all imports tell. Imports hold at most a bounded number of rows together.
    pub(crate) fn all(balances: &Balances, zone: &Zone) -> Vec<Self> {
        let imports = balances.imports().iter();
        let rows = imports.flat_map(|import| {
            let rows = import.baseline.rows.iter();
            rows.map(|row| Self::of(import, row, zone))
        });
        rows.collect()
    }

    fn of(import: &Imported, row: &BaselineRow, zone: &Zone) -> Self {
        let named = |place: u32| usize::try_from(place).ok()?.checked_sub(1);
        let baseline = &import.baseline;
        let measure = named(row.measure).and_then(|place| baseline.measures.get(place));
        let connection = named(row.connection).and_then(|place| baseline.connections.get(place));
        let start = |day: i32| Day::new(day).start(zone);
        Self {
            from: row.from_day.map(start),
            to: row.to_day.map_or(import.ends, start),
            measure: measure.map_or(TRANSACTIONS, String::as_str).to_owned(),
            service: connection.map_or_else(String::new, |it| it.service.clone()),
        }
    }

    fn period(&self) -> Period {
        Period {
            from: self.from.unwrap_or(Instant::EPOCH),
            to: self.to,
        }
    }
}

/// Since when the platform counts, and what is told of the time before.
#[derive(Clone, Debug)]
pub(crate) struct Known<'a> {
    zone: &'a Zone,
    /// The first entry of the journal; `None` while it has none.
    began: Option<Instant>,
    /// The local day of it: what a hub that takes over within a day has not counted of that day is
    /// owed to nobody.
    counted_from: Option<Instant>,
    told: Vec<Told>,
}

/// Why a number of a period is not whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lack {
    /// The platform launched only after the period.
    NotLaunched(Instant),
    /// The platform launched within the period.
    LaunchedWithin(Instant),
    /// Some of the period was neither counted nor told.
    Untold,
    /// Opening balances tell it together with other time.
    NotApart,
    /// Opening balances tell it by connection, and nobody knows whether of all.
    ByConnection,
}

impl<'a> Known<'a> {
    pub(crate) fn of(zone: &'a Zone, began: Option<Instant>, told: Vec<Told>) -> Self {
        let day = |at| zone.bucket(Granularity::Day, at).from;
        Self {
            zone,
            began,
            counted_from: began.map(day),
            told,
        }
    }

    /// When the platform launched: the journal's first entry, or the earliest start of a dated
    /// balance. `None` while there is neither.
    pub(crate) fn launched(&self) -> Option<Instant> {
        let dated = self.told.iter().filter_map(|told| told.from);
        dated.chain(self.began).min()
    }

    /// Days, whole or begun, of the period since the launch.
    pub(crate) fn days(&self, period: Period) -> u64 {
        let launched = self.launched().unwrap_or(period.from);
        self.zone.days(Period {
            from: period.from.max(launched),
            to: period.to,
        })
    }

    /// Balances that overlap the period without lying within it: how many. Of one service, or of
    /// everything without.
    pub(crate) fn left_out(&self, measures: &[&str], service: Option<&str>, period: Period) -> u64 {
        let cut = self.told_of(measures, service).filter(|told| {
            let overlaps = told.from < period.to && period.from < told.to;
            overlaps && !within(told, period)
        });
        cut.fold(0, |count, _| count + 1)
    }

    /// Why the number of the period is not whole; `None` when it is. Of one service, or of
    /// everything, which only balances in total tell whole.
    pub(crate) fn lack(
        &self,
        measures: &[&str],
        service: Option<&str>,
        period: Period,
    ) -> Option<Lack> {
        if period.from == Instant::EPOCH || period.is_empty() {
            return None;
        }
        let mut each = measures.iter();
        each.find_map(|one| self.lack_of(one, service, period))
    }

    fn lack_of(&self, measure: &str, service: Option<&str>, period: Period) -> Option<Lack> {
        let in_total = Some(service.unwrap_or_default());
        let mut told: Vec<Period> = self
            .told_of(&[measure], in_total)
            .filter(|told| within(told, period))
            .collect();
        told.sort_by_key(|told| told.from);
        let counted = self.counted_from.unwrap_or(Instant::from_micros(i64::MAX));
        let mut known_until = period.from;
        for told in &told {
            if told.from <= known_until {
                known_until = known_until.max(told.to);
            }
        }
        if known_until >= counted.min(period.to) {
            return None;
        }
        if self.left_out(&[measure], service, period) > 0 {
            return Some(Lack::NotApart);
        }
        let is_within = |told: Period| within(&told, period);
        if told.is_empty() && self.told_of(&[measure], service).any(is_within) {
            return Some(Lack::ByConnection);
        }
        let launched = self.launched()?;
        if launched >= period.to {
            Some(Lack::NotLaunched(launched))
        } else if self.zone.bucket(Granularity::Day, launched).from > period.from {
            Some(Lack::LaunchedWithin(launched))
        } else {
            Some(Lack::Untold)
        }
    }

    fn told_of<'s>(
        &'s self,
        measures: &'s [&str],
        service: Option<&'s str>,
    ) -> impl Iterator<Item = Period> + 's {
        let wanted = move |told: &&Told| {
            measures.contains(&told.measure.as_str())
                && service.is_none_or(|service| service == told.service)
        };
        self.told.iter().filter(wanted).map(Told::period)
    }

    /// In Vietnamese and in English.
    pub(crate) fn words(&self, lack: Lack) -> (String, String) {
        let day = |at, day_first| self.zone.day_label(at, day_first);
        match lack {
            Lack::NotLaunched(at) => (
                format!("nền tảng khai trương ngày {}, sau kỳ này", day(at, true)),
                format!(
                    "the platform launched on {}, after that period",
                    day(at, false)
                ),
            ),
            Lack::LaunchedWithin(at) => (
                format!("nền tảng khai trương ngày {}, trong kỳ này", day(at, true)),
                format!(
                    "the platform launched on {}, within that period",
                    day(at, false)
                ),
            ),
            Lack::Untold => (
                "một phần của kỳ này chưa được nền tảng ghi nhận và không có số liệu kế thừa"
                    .to_owned(),
                "some of that period was neither counted nor told by opening balances".to_owned(),
            ),
            Lack::NotApart => (
                "số liệu kế thừa không tách riêng được kỳ này".to_owned(),
                "opening balances do not tell that period apart".to_owned(),
            ),
            Lack::ByConnection => (
                "số liệu kế thừa của kỳ này chỉ có theo từng kết nối, không có tổng số".to_owned(),
                "opening balances tell that period by connection only, not in total".to_owned(),
            ),
        }
    }
}

fn within(told: &Period, period: Period) -> bool {
    period.from <= told.from && told.to <= period.to
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ndxp_model::Sequence;
    use ndxp_proto::journal::v1::{BaselineImported, Connection};

    use super::*;

    fn zone() -> Zone {
        Zone::viet_nam()
    }

    fn at(text: &str) -> Instant {
        zone().moment(text).unwrap().from
    }

    fn period(first: &str, last: &str) -> Period {
        Period {
            from: at(first),
            to: zone().moment(last).unwrap().to,
        }
    }

    /// A balance from the start of the first, or from the beginning, to the end of the last.
    fn told(measure: &str, first: &str, last: &str) -> Told {
        Told {
            from: (!first.is_empty()).then(|| at(first)),
            to: zone().moment(last).unwrap().to,
            measure: measure.to_owned(),
            service: String::new(),
        }
    }

    #[track_caller]
    fn check(told: &[Told], measures: &[&str], of: (&str, &str), wanted: Option<Lack>) {
        let zone = zone();
        let known = Known::of(&zone, Some(at("2022-07-01T08")), told.to_vec());
        let found = known.lack(measures, None, period(of.0, of.1));
        assert_eq!(found, wanted, "{measures:?} {of:?}");
    }

    const JULY: (&str, &str) = ("2022-07-01", "2022-07-22");
    const JUNE: (&str, &str) = ("2022-06-01", "2022-06-22");

    #[test]
    fn what_the_platform_counted_is_whole_from_the_day_on_which_it_began() {
        check(&[], &[TRANSACTIONS], JULY, None);
        let launched = Lack::NotLaunched(at("2022-07-01T08"));
        check(&[], &[TRANSACTIONS], JUNE, Some(launched));
        let within = Lack::LaunchedWithin(at("2022-07-01T08"));
        let year = ("2022-01-01", "2022-07-22");
        check(&[], &[TRANSACTIONS], year, Some(within));
    }

    #[test]
    fn balances_that_tile_the_time_before_make_a_period_whole() {
        let months = ["2022-05", "2022-06"].map(|it| told(TRANSACTIONS, it, it));
        let may_to_july = ("2022-05-01", "2022-07-22");
        check(&months, &[TRANSACTIONS], may_to_july, None);
        check(&months, &[TRANSACTIONS], ("2022-06", "2022-06"), None);
        let months = ["2022-04", "2022-06"].map(|it| told(TRANSACTIONS, it, it));
        let from_april = ("2022-04-01", "2022-07-22");
        check(&months, &[TRANSACTIONS], from_april, Some(Lack::Untold));
        let before = Lack::NotLaunched(at("2022-04-01"));
        check(
            &months,
            &[TRANSACTIONS],
            ("2022-03", "2022-03"),
            Some(before),
        );
    }

    #[test]
    fn a_balance_of_more_than_the_period_does_not_tell_it_apart() {
        for balance in [
            told(TRANSACTIONS, "2022-01", "2022-06"),
            told(TRANSACTIONS, "", "2022-06"),
            // Until the hub began to count, within the day.
            told(TRANSACTIONS, "", "2022-07-01T07"),
        ] {
            let june = ("2022-06", "2022-06");
            check(&[balance], &[TRANSACTIONS], june, Some(Lack::NotApart));
        }
    }

    #[test]
    fn balances_of_connections_tell_a_service_and_not_everything() {
        let of_service = Told {
            service: "a.v1.B".to_owned(),
            ..told("records", "2022-06", "2022-06")
        };
        let june = ("2022-06", "2022-06");
        let balances = [of_service];
        check(&balances, &["records"], june, Some(Lack::ByConnection));
        let (zone, began) = (zone(), Some(at("2022-07-01T08")));
        let known = Known::of(&zone, began, balances.to_vec());
        let of = |service| known.lack(&["records"], Some(service), period(june.0, june.1));
        assert_eq!(of("a.v1.B"), None);
        assert_eq!(of("a.v1.C"), Some(Lack::Untold));
    }

    #[test]
    fn each_measure_must_be_told_by_itself() {
        let transactions = told(TRANSACTIONS, "2022-06", "2022-06");
        let documents = told("documents_sent", "2022-06", "2022-06");
        let balances = [transactions, documents];
        let june = ("2022-06", "2022-06");
        check(&balances, &["documents_sent"], june, None);
        let both = ["documents_sent", "documents_received"];
        check(&balances, &both, june, Some(Lack::Untold));
    }

    #[test]
    fn since_launch_is_always_whole_and_left_out_balances_are_counted() {
        let zone = zone();
        let balances = [
            told(TRANSACTIONS, "", "2021-12"),
            told(TRANSACTIONS, "2022-01", "2022-06"),
            told("records", "2022-01", "2022-06"),
        ];
        let known = Known::of(&zone, Some(at("2022-07-01T08")), balances.to_vec());
        let until = |text| Period {
            from: Instant::EPOCH,
            to: zone.moment(text).unwrap().to,
        };
        assert_eq!(known.lack(&[TRANSACTIONS], None, until("2022-07-22")), None);
        let rows = [
            (until("2022-07-22"), 0),
            (until("2022-05"), 1),
            (period("2022-05", "2022-07"), 1),
            (period("2021-05", "2022-05"), 2),
            (period("2022-07", "2022-07"), 0),
        ];
        for (period, wanted) in rows {
            assert_eq!(
                known.left_out(&[TRANSACTIONS], None, period),
                wanted,
                "{period:?}"
            );
        }
        let other = known.left_out(&[TRANSACTIONS], Some("a.v1.B"), until("2022-05"));
        assert_eq!(other, 0, "no balance of the service");
    }

    #[test]
    fn the_launch_is_the_first_entry_or_an_earlier_dated_balance() {
        let zone = zone();
        let began = Some(at("2022-07-01T08"));
        let rows: [(Option<Instant>, &[Told], Option<Instant>); 4] = [
            (None, &[], None),
            (began, &[], began),
            (began, &[told(TRANSACTIONS, "", "2022-06")], began),
            (
                began,
                &[told("records", "2019-03-12", "2019-12")],
                Some(at("2019-03-12")),
            ),
        ];
        for (began, balances, wanted) in rows {
            let known = Known::of(&zone, began, balances.to_vec());
            assert_eq!(known.launched(), wanted, "{balances:?}");
        }
    }

    #[test]
    fn an_averages_days_begin_with_the_launch() {
        let zone = zone();
        let known = Known::of(&zone, Some(at("2022-07-01T08")), Vec::new());
        assert_eq!(known.days(period("2022-01-01", "2022-07-22")), 22);
        assert_eq!(known.days(period("2022-07-10", "2022-07-22")), 13);
        assert_eq!(known.days(period("2021-01", "2021-12")), 0);
        let told = vec![told(TRANSACTIONS, "2021-12-01", "2022-06")];
        let known = Known::of(&zone, Some(at("2022-07-01T08")), told);
        assert_eq!(known.days(period("2022-01-01", "2022-07-22")), 203);
        assert_eq!(known.days(period("2021-01", "2021-12")), 31);
    }

    #[test]
    fn what_imports_tell_is_read_by_their_places() {
        let row = |from_day, to_day, connection, measure| BaselineRow {
            from_day,
            to_day,
            connection,
            measure,
            value: 1,
            source: 1,
        };
        let baseline = BaselineImported {
            connections: vec![Connection {
                service: "a.v1.B".to_owned(),
                ..Connection::default()
            }],
            measures: vec!["transactions".to_owned(), "records".to_owned()],
            rows: vec![
                row(Some(19_174), Some(19_204), 0, 0),
                row(None, Some(19_174), 1, 2),
                row(None, None, 0, 1),
            ],
            ..BaselineImported::default()
        };
        let (sequence, ends) = (Sequence::new(2), at("2022-07-01T08"));
        let imported = Imported::new(sequence, ends, None, baseline);
        let mut balances = Balances::default();
        balances.add(Arc::new(imported));
        let of_service = Told {
            service: "a.v1.B".to_owned(),
            ..told("records", "", "2022-06")
        };
        let wanted = [
            told(TRANSACTIONS, "2022-07-01", "2022-07-30"),
            of_service,
            Told {
                to: ends,
                ..told(TRANSACTIONS, "", "2022-06")
            },
        ];
        assert_eq!(Told::all(&balances, &zone()), wanted);
    }

    #[test]
    fn the_reasons_are_said_in_both_languages() {
        let zone = zone();
        let known = Known::of(&zone, None, Vec::new());
        let (vi, en) = known.words(Lack::NotLaunched(at("2019-03-12")));
        assert_eq!(vi, "nền tảng khai trương ngày 12/03/2019, sau kỳ này");
        assert_eq!(en, "the platform launched on 2019-03-12, after that period");
    }
}
