//! What earlier platforms counted before July 2022, as opening balances: so that the report's
//! figures since launch, of the year and of documents come out, and comparisons have something
//! to compare with.
//!
//! Published are the sums; how a sum falls on its months and days is made up, and each balance's
//! source says so.

use ndxp_proto::journal::v1::{BaselineImported, BaselineRow, Connection};

use super::founding::ACTOR;
use super::rhythm::Pace;
use super::share::apportion;
use super::volume::{JULY_2022, Volume};
use crate::Method;

/// Transactions until 22 July 2022 since launch (row 2 of the figures) and in 2021 (row 16).
const TRANSACTIONS_SINCE_LAUNCH: u64 = 553_969_478;
const TRANSACTIONS_2021: u64 = 180_919_031;
/// January to June 2022: with July, 1.7 million on each of the year's 203 days (row 3).
const TRANSACTIONS_2022: u64 = 334_700_000;

/// Documents sent and received (rows 8 to 10): since the launch on 12 March 2019, in 2021, and
/// in the first seven months of 2022 up to 22 July.
const DOCUMENTS_SINCE_LAUNCH: [u64; 2] = [2_868_460, 10_260_000];
const DOCUMENTS_2021: [u64; 2] = [1_150_000, 4_120_000];
const DOCUMENTS_2022: [u64; 2] = [760_000, 2_800_000];
/// The first 22 days of June 2022 and of July 2021, against which July 2022 fell by 16.6 % and
/// rose by 20.0 % (row 15), and the rest of these months.
const DOCUMENTS_JUNE_2022: [[u64; 2]; 2] = [[162_067, 582_333], [52_310, 187_940]];
const DOCUMENTS_JULY_2021: [[u64; 2]; 2] = [[112_637, 404_721], [43_210, 155_460]];

/// Records since launch until 18 July 2022 of births sent to Social Security (row 12), and of people
/// verified for it (row 13: more than 47 million): what July is likely to hold is left out.
const BIRTHS_BEFORE: u64 = 3_693_000;
const VERIFIED_BEFORE: u64 = 46_500_000;

/// The days of a month that are compared with those up to the 22nd.
const COMPARED_DAYS: usize = 22;

/// How much of a year falls on each month, January first.
const MONTHS_2021: [u64; 12] = [62, 54, 71, 76, 79, 82, 86, 90, 92, 98, 103, 107];
const MONTHS_2022: [u64; 5] = [210, 168, 232, 221, 204];
/// June beside those.
const JUNE_2022: u64 = 139;

/// Days of the local calendar since 1970.
#[derive(Clone, Copy)]
struct Span {
    from: Option<i32>,
    to: i32,
}

struct Balances {
    entry: BaselineImported,
    /// Full size, or one part of so many.
    scale: u64,
}

/// The measures of the import, by their places in it.
const TRANSACTIONS: u32 = 0;
const DOCUMENTS: [u32; 2] = [1, 2];
const RECORDS: u32 = 3;

/// What stood before the month, at the scale. `volume` is the month itself.
pub(super) fn balances(scale: u64, volume: &Volume) -> BaselineImported {
    let mut balances = Balances {
        entry: BaselineImported {
            actor: ACTOR.to_owned(),
            note: "what earlier platforms counted before July 2022".to_owned(),
            file: "simulated".to_owned(),
            file_sha256: Vec::new(),
            connections: connections(),
            measures: vec![
                "documents_sent".to_owned(),
                "documents_received".to_owned(),
                "records".to_owned(),
            ],
            sources: vec![
                "Report 105/BC-BTTTT of 29/7/2022; how the sum falls on months and days is \
                 simulated"
                    .to_owned(),
            ],
            rows: Vec::new(),
        },
        scale,
    };
    balances.transactions(volume);
    let sums = [volume.documents_sent, volume.documents_received];
    for (sort, counted) in sums.into_iter().enumerate() {
        balances.documents(sort, counted);
    }
    let before = Span {
        from: None,
        to: day(2022, 7, 1),
    };
    for (connection, value) in [(1, BIRTHS_BEFORE), (2, VERIFIED_BEFORE)] {
        balances.add(before, RECORDS, balances.scaled(value));
        if let Some(row) = balances.entry.rows.last_mut() {
            row.connection = connection;
        }
    }
    balances.entry
}

fn connections() -> Vec<Connection> {
    let of = |consumer: &str, provider: &str, method: Method| Connection {
        consumer: consumer.to_owned(),
        provider: provider.to_owned(),
        service: method.service().to_string(),
    };
    vec![
        of("G15/civil-status", "G24/insurance", Method::DeclareBirths),
        of("G24/insurance", "G01/population", Method::VerifyBatch),
    ]
}

impl Balances {
    fn scaled(&self, value: u64) -> u64 {
        value / self.scale
    }

    fn transactions(&mut self, volume: &Volume) {
        let (of_2021, of_2022) = (
            self.scaled(TRANSACTIONS_2021),
            self.scaled(TRANSACTIONS_2022),
        );
        // At its own cut-off the month has what the report says; the launch lies so far back.
        let july = self.scaled(JULY_2022.answered).min(volume.answered);
        let since_launch = self.scaled(TRANSACTIONS_SINCE_LAUNCH);
        let before = since_launch - of_2021 - of_2022 - july;
        self.before(TRANSACTIONS, before);

        let months = apportion(of_2021, &MONTHS_2021);
        for (month, value) in (1..).zip(&months) {
            match month {
                7 => self.days((2021, 7, 31), TRANSACTIONS, *value),
                _ => self.month((2021, month), TRANSACTIONS, *value),
            }
        }
        let mut weights = MONTHS_2022.to_vec();
        weights.push(JUNE_2022);
        for (month, value) in (1..).zip(&apportion(of_2022, &weights)) {
            match month {
                6 => self.days((2022, 6, 30), TRANSACTIONS, *value),
                _ => self.month((2022, month), TRANSACTIONS, *value),
            }
        }
    }

    /// Documents of one sort, 0 sent and 1 received, of which the month itself counts so many.
    fn documents(&mut self, sort: usize, counted: u64) {
        let of = |pair: [u64; 2], scale: u64| pair.get(sort).copied().unwrap_or(0) / scale;
        let scale = self.scale;
        let Some(measure) = DOCUMENTS.get(sort).copied() else {
            return;
        };
        let counted = counted.min(match sort {
            0 => JULY_2022.documents_sent / scale,
            _ => JULY_2022.documents_received / scale,
        });
        let (of_2021, of_2022) = (of(DOCUMENTS_2021, scale), of(DOCUMENTS_2022, scale));
        let [june, june_rest] = DOCUMENTS_JUNE_2022.map(|pair| of(pair, scale));
        let [july, july_rest] = DOCUMENTS_JULY_2021.map(|pair| of(pair, scale));
        let since_launch = of(DOCUMENTS_SINCE_LAUNCH, scale);
        let launch = Span {
            from: Some(day(2019, 3, 12)),
            to: day(2021, 1, 1),
        };
        self.add(launch, measure, since_launch - of_2021 - of_2022);

        let other_months: Vec<_> = (1..)
            .zip(MONTHS_2021)
            .map(|(month, weight)| if month == 7 { 0 } else { weight })
            .collect();
        let months = apportion(of_2021 - july - july_rest, &other_months);
        for (month, value) in (1..).zip(&months) {
            match month {
                7 => self.month_cut((2021, 7, 31), measure, [july, july_rest]),
                _ => self.month((2021, month), measure, *value),
            }
        }
        let months = apportion(of_2022 - june - june_rest - counted, &MONTHS_2022);
        for (month, value) in (1..).zip(&months) {
            self.month((2022, month), measure, *value);
        }
        self.month_cut((2022, 6, 30), measure, [june, june_rest]);
    }

    fn before(&mut self, measure: u32, value: u64) {
        let to = day(2021, 1, 1);
        self.add(Span { from: None, to }, measure, value);
    }

    fn month(&mut self, (year, month): (i16, i8), measure: u32, value: u64) {
        let from = day(year, month, 1);
        let to = match month {
            12 => day(year + 1, 1, 1),
            _ => day(year, month + 1, 1),
        };
        let from = Some(from);
        self.add(Span { from, to }, measure, value);
    }

    /// Each day of a month of so many, in an office's rhythm.
    fn days(&mut self, (year, month, days): (i16, i8, usize), measure: u32, value: u64) {
        let first = day(year, month, 1);
        let values = apportion(value, &weekdays(first, days));
        self.on_days(first, measure, &values);
    }

    /// The same, where the days that are compared and the rest have sums of their own.
    fn month_cut(
        &mut self,
        (year, month, days): (i16, i8, usize),
        measure: u32,
        [compared, rest]: [u64; 2],
    ) {
        let first = day(year, month, 1);
        let weights = weekdays(first, days);
        let (head, tail) = weights.split_at(COMPARED_DAYS.min(days));
        let mut values = apportion(compared, head);
        values.extend(apportion(rest, tail));
        self.on_days(first, measure, &values);
    }

    fn on_days(&mut self, first: i32, measure: u32, values: &[u64]) {
        for (day, value) in (first..).zip(values) {
            let span = Span {
                from: Some(day),
                to: day + 1,
            };
            self.add(span, measure, *value);
        }
    }

    fn add(&mut self, span: Span, measure: u32, value: u64) {
        self.entry.rows.push(BaselineRow {
            from_day: span.from,
            to_day: Some(span.to),
            connection: 0,
            measure,
            value,
            source: 1,
        });
    }
}

/// How much falls on each of the days from the first on. Day 0 of 1970 was a Thursday.
fn weekdays(first: i32, days: usize) -> Vec<u64> {
    let week = Pace::Office.days();
    let from_monday = usize::try_from((first + 3).rem_euclid(7)).unwrap_or(0);
    week.into_iter()
        .cycle()
        .skip(from_monday)
        .take(days)
        .collect()
}

/// Days since 1970 of a date.
fn day(year: i16, month: i8, day: i8) -> i32 {
    // Howard Hinnant's days_from_civil: years begin with March, so that February is last.
    let (year, month, day) = (i32::from(year), i32::from(month), i32::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(entry: &BaselineImported, measure: u32, from: i32, to: i32) -> u64 {
        let rows = entry.rows.iter().filter(|row| row.measure == measure);
        let within = |row: &&BaselineRow| {
            row.from_day.unwrap_or(i32::MIN) >= from && row.to_day.unwrap_or(i32::MAX) <= to
        };
        rows.filter(within).map(|row| row.value).sum()
    }

    #[test]
    fn dates_are_days_since_1970() {
        for (date, wanted) in [
            ((1970, 1, 1), 0),
            ((2000, 2, 29), 11_016),
            ((2000, 3, 1), 11_017),
            ((2022, 7, 22), 19_195),
        ] {
            assert_eq!(day(date.0, date.1, date.2), wanted, "{date:?}");
        }
    }

    /// Sums at the scale, with what the month itself counts.
    #[track_caller]
    fn check(scale: u64) {
        let volume = Volume::of(JULY_2022.answered / scale);
        let entry = balances(scale, &volume);
        let always = (i32::MIN, day(2022, 7, 1));
        let (of_2021, of_2022) = (
            (day(2021, 1, 1), day(2022, 1, 1)),
            (day(2022, 1, 1), day(2022, 7, 1)),
        );
        let transactions = |(from, to)| sum(&entry, TRANSACTIONS, from, to);
        assert_eq!(
            transactions(always) + volume.answered,
            553_969_478 / scale,
            "row 2"
        );
        assert_eq!(transactions(of_2021), 180_919_031 / scale, "row 16");
        let per_day = (transactions(of_2022) + volume.answered) * scale / 203;
        assert_eq!((per_day + 50_000) / 100_000, 17, "row 3: {per_day}");

        let documents =
            |(from, to): (i32, i32)| DOCUMENTS.map(|measure| sum(&entry, measure, from, to));
        let [sent, received] = documents(of_2022);
        assert_eq!(sent + volume.documents_sent, 760_000 / scale, "row 9");
        assert_eq!(received + volume.documents_received, 2_800_000 / scale);
        let since_launch: u64 = documents(always).iter().sum();
        let july = volume.documents_sent + volume.documents_received;
        assert!(since_launch + july > 13_100_000 / scale, "row 10");

        let change = |from: i32| {
            let base: u64 = documents((from, from + 22)).iter().sum();
            (july as f64 / base as f64 - 1.0) * 100.0
        };
        let (june, year_before) = (change(day(2022, 6, 1)), change(day(2021, 7, 1)));
        assert!((june + 16.6).abs() < 0.05, "row 15: {june}");
        assert!((year_before - 20.0).abs() < 0.05, "row 15: {year_before}");
    }

    #[test]
    fn the_reports_sums_come_out_at_full_size_and_at_a_hundredth() {
        check(1);
        check(100);
    }

    #[test]
    fn no_balance_overlaps_another_and_all_end_before_july() {
        let entry = balances(1, &JULY_2022);
        let mut spans: Vec<_> = entry
            .rows
            .iter()
            .map(|row| {
                (
                    row.measure,
                    row.connection,
                    row.from_day.unwrap_or(i32::MIN),
                    row.to_day,
                )
            })
            .collect();
        spans.sort_unstable();
        for pair in spans.windows(2) {
            let same = (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1);
            assert!(!same || pair[0].3 <= Some(pair[1].2), "{pair:?}");
        }
        assert!(spans.iter().all(|span| span.3 <= Some(day(2022, 7, 1))));
    }
}
