//! The fold: all imports together, in the order of the journal. Cloning is cheap.

use std::sync::Arc;

use ndxp_model::{Instant, Sequence};
use ndxp_proto::journal::v1::BaselineImported;
use prost::Message as _;

use crate::clash::clashes;
use crate::conflict::{Calendar, Conflict, Conflicts};
use crate::day::Day;
use crate::entry::{TRANSACTIONS, measure, named};
use crate::limits::{FINDINGS_MAX, STANDING_BYTES_MAX, STANDING_ROWS_MAX};

/// Everything that was imported.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Balances {
    imports: Vec<Arc<Imported>>,
}

/// One import as the journal holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    pub sequence: Sequence,
    pub at: Instant,
    /// Where `before-launch` ends: at the first call that this hub counted, or at the import where
    /// that came first. Set by the journal up to the import, so that it never changes.
    pub ends: Instant,
    pub baseline: BaselineImported,
}

impl Imported {
    /// `launch` is when this hub counted its first call, if it had by then.
    #[must_use]
    pub fn new(
        sequence: Sequence,
        at: Instant,
        launch: Option<Instant>,
        baseline: BaselineImported,
    ) -> Self {
        Self {
            sequence,
            at,
            ends: launch.map_or(at, |launch| launch.min(at)),
            baseline,
        }
    }
}

impl Balances {
    /// Takes in the next import.
    pub fn add(&mut self, imported: Arc<Imported>) {
        self.imports.push(imported);
    }

    /// In the order of the journal.
    #[must_use]
    pub fn imports(&self) -> &[Arc<Imported>] {
        &self.imports
    }

    /// Whether a sound import can stand beside what is known.
    ///
    /// # Errors
    /// With what it cannot say, up to a limit.
    pub fn conflicts(
        &self,
        import: &BaselineImported,
        calendar: &Calendar,
    ) -> Result<(), Conflicts> {
        let mut found = self.limits(import);
        found.extend(out_of_time(import, calendar));
        let mut all: Vec<_> = self.imports.iter().map(|it| &it.baseline).collect();
        all.push(import);
        let clashing = clashes(&all, FINDINGS_MAX).into_iter();
        found.extend(clashing.filter_map(|clash| {
            let other = self.imports.get(clash.other.import)?;
            Some(Conflict::Imported {
                balance: clash.row + 1,
                named: named(import, clash.row),
                kind: clash.kind,
                sequence: other.sequence.get(),
                other: clash.other.row + 1,
                other_named: named(&other.baseline, clash.other.row),
            })
        }));
        found.truncate(FINDINGS_MAX);
        match found.is_empty() {
            true => Ok(()),
            false => Err(Conflicts(found)),
        }
    }

    fn limits(&self, import: &BaselineImported) -> Vec<Conflict> {
        let all = || self.imports.iter().map(|it| &it.baseline).chain([import]);
        let rows: usize = all().map(|it| it.rows.len()).sum();
        let bytes: usize = all().map(|it| it.encoded_len()).sum();
        let transactions: u128 = all()
            .flat_map(|entry| entry.rows.iter().map(move |row| (entry, row)))
            .filter(|(entry, row)| measure(entry, row) == TRANSACTIONS)
            .map(|(_, row)| u128::from(row.value))
            .sum();
        let mut found = Vec::new();
        if rows > STANDING_ROWS_MAX {
            found.push(Conflict::TooManyRows { found: rows });
        }
        if bytes > STANDING_BYTES_MAX {
            found.push(Conflict::TooManyBytes { found: bytes });
        }
        if u64::try_from(transactions).is_err() {
            let found_sum = transactions;
            found.push(Conflict::TooLarge { found: found_sum });
        }
        found
    }
}

/// Balances that end behind the day on which counting began, or that are not over.
fn out_of_time(import: &BaselineImported, calendar: &Calendar) -> Vec<Conflict> {
    let Calendar { today, launch } = *calendar;
    let judge = |(place, to): (usize, Option<i32>)| {
        let (to, balance) = (Day::new(to?), place + 1);
        let (named, last) = (named(import, place), to.before());
        match launch {
            Some(launch) if to > launch => Some(Conflict::Counted {
                balance,
                named,
                last,
                launch,
            }),
            _ if to > today => Some(Conflict::NotOver {
                balance,
                named,
                last,
                today,
            }),
            _ => None,
        }
    };
    let rows = import.rows.iter().map(|row| row.to_day);
    rows.enumerate()
        .filter_map(judge)
        .take(FINDINGS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clash::ClashKind;
    use crate::sample::{entry, import};

    fn day(text: &str) -> Day {
        let span: crate::span::Span = text.parse().unwrap();
        span.from.unwrap()
    }

    fn imported(sequence: u64, baseline: BaselineImported) -> Arc<Imported> {
        let at = Instant::from_micros(1_000);
        Arc::new(Imported::new(Sequence::new(sequence), at, None, baseline))
    }

    /// What is told about periods in total, on 22/7/2022, beside `2021` in total at sequence 7.
    #[track_caller]
    fn check(launch: Option<&str>, periods: &[&str], wanted: &[&str]) {
        let mut balances = Balances::default();
        balances.add(imported(7, entry(&["2020", "2021"])));
        let calendar = Calendar {
            today: day("2022-07-22"),
            launch: launch.map(day),
        };
        let told = match balances.conflicts(&entry(periods), &calendar) {
            Ok(()) => Vec::new(),
            Err(Conflicts(found)) => found.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(told.len(), wanted.len(), "{told:#?}");
        for (told, wanted) in told.iter().zip(wanted) {
            assert!(told.starts_with(wanted), "{told}");
        }
    }

    #[test]
    fn what_was_imported_counted_or_is_not_over_is_refused_with_both_sides() {
        let launch = Some("2022-07-01");
        check(None, &["2022-01", "before 2020", "2022-07-21"], &[]);
        check(launch, &["2022-01", "before 2020", "2022-06-30"], &[]);
        check(
            None,
            &["2022-01", "2021"],
            &[
                "balance 2 (2021, in total, transactions): is the same as balance 2 (2021, in total, \
               transactions) of the import at sequence 7; keep one",
            ],
        );
        check(
            None,
            &["2021-12-31"],
            &["balance 1 (2021-12-31, in total, transactions): overlaps balance 2 (2021, in"],
        );
        check(
            None,
            &["before-launch"],
            &["balance 1 (before-launch, in total, transactions): overlaps balance 1 (2020, in"],
        );
        check(
            None,
            &["before 2022-07-23", "2022-07", "2022"],
            &[
                "balance 1 (before 2022-07-23, in total, transactions): ends with 2022-07-22, which \
               is not over: today is 2022-07-22",
                "balance 2 (2022-07, in total, transactions): ends with 2022-07-31, which",
                "balance 3 (2022, in total, transactions): ends with 2022-12-31, which",
                "balance 1 (before 2022-07-23, in total, transactions): overlaps balance",
            ],
        );
        check(
            launch,
            &["2022-07-01", "2022-06"],
            &[
                "balance 1 (2022-07-01, in total, transactions): ends with 2022-07-01, but this hub \
               has counted since 2022-07-01; state",
            ],
        );
    }

    #[test]
    fn one_measure_is_not_stated_both_ways_by_two_imports() {
        let mut balances = Balances::default();
        balances.add(imported(7, import(&[("2021", 1, 1), ("2021", 2, 1)])));
        let calendar = Calendar {
            today: day("2022-07-22"),
            launch: None,
        };
        let told = |rows: &[(&str, u32, u32)]| {
            let refused = balances.conflicts(&import(rows), &calendar);
            refused.map_err(|Conflicts(found)| found)
        };
        assert_eq!(
            told(&[("2021", 0, 0), ("2021", 0, 2), ("2021", 3, 1)]),
            Ok(())
        );
        let found = told(&[("2021-05", 0, 1)]).unwrap_err();
        let [Conflict::Imported { kind, sequence, .. }] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!((*kind, *sequence), (ClashKind::BothWays, 7));
    }

    #[test]
    fn what_no_counter_holds_is_refused() {
        let mut balances = Balances::default();
        let mut large = entry(&["2021"]);
        large.rows[0].value = u64::MAX;
        balances.add(imported(7, large));
        let calendar = Calendar {
            today: day("2022-07-22"),
            launch: None,
        };
        let refused = balances
            .conflicts(&entry(&["2020"]), &calendar)
            .unwrap_err();
        assert!(
            refused.to_string().contains("18446744073709551625"),
            "{refused}"
        );
    }

    #[test]
    fn before_launch_ends_at_whichever_came_first_and_stays_there() {
        let at = Instant::from_micros;
        for (launch, wanted) in [(None, 10), (Some(5), 5), (Some(15), 10)] {
            let launch = launch.map(at);
            let imported = Imported::new(Sequence::new(1), at(10), launch, entry(&[]));
            assert_eq!(imported.ends, at(wanted));
        }
    }
}
