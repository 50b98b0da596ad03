//! Numbers that are stated twice: balances that overlap, found in one pass over their starts.
//!
//! Of one measure, sorted by start, a balance overlaps an earlier one exactly when some earlier one
//! ends behind its start. So it is enough to remember which of those that came before ends last: of
//! the total, of all connections together, and of each connection.

use std::collections::HashMap;
use std::fmt;

use ndxp_proto::journal::v1::{BaselineImported, Connection};

use crate::entry::{connection, measure, span};

/// How two balances state a number twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClashKind {
    /// The same connection, or the total, measure and period.
    Twice,
    /// The same connection, or the total, and measure; periods that overlap.
    Overlap,
    /// One in total, one by connection; of one measure, and periods that overlap.
    BothWays,
}

/// A place among several imports.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Place {
    pub import: usize,
    pub row: usize,
}

/// A row of the last import that clashes, and with what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Clash {
    pub row: usize,
    pub kind: ClashKind,
    pub other: Place,
}

/// A balance without its number. The total is connection 0. Orders by measure and start.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Stretch {
    measure: usize,
    from: i32,
    place: Place,
    to: i32,
    connection: usize,
}

/// What of one measure ends last so far.
#[derive(Debug, Default)]
struct Latest {
    total: Option<Stretch>,
    any_connection: Option<Stretch>,
    of_connection: HashMap<usize, Stretch>,
}

impl ClashKind {
    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::Twice => "keep one of the two",
            Self::Overlap => "state each day once",
            Self::BothWays => {
                "state a measure for one period either in total or by connection, or it is counted \
                 twice"
            }
        }
    }
}

impl fmt::Display for ClashKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Twice => "is the same as",
            Self::Overlap | Self::BothWays => "overlaps",
        })
    }
}

/// Rows of the last import that state what another row of it, or of one before, states. At most
/// `findings_max`, in the order of the rows.
pub(crate) fn clashes(imports: &[&BaselineImported], findings_max: usize) -> Vec<Clash> {
    let last = imports.len().saturating_sub(1);
    let mut found: Vec<Clash> = Vec::new();
    let mut measure = None;
    let mut latest = Latest::default();
    for stretch in stretches(imports) {
        if measure.replace(stretch.measure) != Some(stretch.measure) {
            latest = Latest::default();
        }
        if let Some(clash) = latest.clash(&stretch, last) {
            found.push(clash);
        }
        latest.add(stretch);
    }
    found.sort_by_key(|clash| clash.row);
    // One that is in the way is enough to know.
    found.dedup_by_key(|clash| clash.row);
    found.truncate(findings_max);
    found
}

fn stretches(imports: &[&BaselineImported]) -> Vec<Stretch> {
    let (mut measures, mut connections) = (HashMap::new(), HashMap::new());
    let mut stretches = Vec::new();
    for (import, entry) in imports.iter().enumerate() {
        for (place, row) in entry.rows.iter().enumerate() {
            let known = measures.len();
            let measure = *measures.entry(measure(entry, row)).or_insert(known);
            let known = connections.len() + 1;
            let number = |names: &'_ Connection| names.clone();
            let connection = match connection(entry, row) {
                None => 0,
                Some(names) => *connections.entry(number(names)).or_insert(known),
            };
            let (from, to) = span(row).ends();
            stretches.push(Stretch {
                measure,
                from,
                place: Place { import, row: place },
                to,
                connection,
            });
        }
    }
    stretches.sort_unstable();
    stretches
}

impl Latest {
    /// With what the next stretch overlaps, where one of the two is of the last import.
    fn clash(&self, next: &Stretch, last: usize) -> Option<Clash> {
        let (same, other) = match next.connection {
            0 => (self.total, self.any_connection),
            number => (self.of_connection.get(&number).copied(), self.total),
        };
        let overlaps = |before: &Stretch| before.to > next.from;
        let (before, is_same) = match (same.filter(overlaps), other.filter(overlaps)) {
            (Some(same), _) => (same, true),
            (None, other) => (other?, false),
        };
        let kind = match is_same {
            true if (before.from, before.to) == (next.from, next.to) => ClashKind::Twice,
            true => ClashKind::Overlap,
            false => ClashKind::BothWays,
        };
        let (new, other) = match (before.place, next.place) {
            (before, next) if next.import != last => (before, next),
            (before, next) if before.import != last => (next, before),
            // Both are new: the later row is the one too many.
            (before, next) => (before.max(next), before.min(next)),
        };
        (new.import == last).then_some(Clash {
            row: new.row,
            kind,
            other,
        })
    }

    fn add(&mut self, stretch: Stretch) {
        let later = |slot: &mut Option<Stretch>| {
            if slot.is_none_or(|before| before.to < stretch.to) {
                *slot = Some(stretch);
            }
        };
        if stretch.connection == 0 {
            later(&mut self.total);
            return;
        }
        later(&mut self.any_connection);
        let of_connection = self.of_connection.entry(stretch.connection);
        let before = of_connection.or_insert(stretch);
        if before.to < stretch.to {
            *before = stretch;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::{entry, import};

    /// Rows as (period, connection, measure), and which clash.
    #[track_caller]
    fn check(rows: &[(&str, u32, u32)], wanted: &[(usize, ClashKind, usize)]) {
        let entry = import(rows);
        let found: Vec<_> = clashes(&[&entry], 20)
            .iter()
            .map(|clash| (clash.row, clash.kind, clash.other.row))
            .collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_number_is_stated_once() {
        use ClashKind::{BothWays, Overlap, Twice};
        check(
            &[("2021", 0, 0), ("2022-01", 0, 0), ("before 2021", 0, 0)],
            &[],
        );
        check(&[("2021", 0, 0), ("2021", 0, 0)], &[(1, Twice, 0)]);
        check(&[("2021-07", 0, 0), ("2021", 0, 0)], &[(1, Overlap, 0)]);
        check(&[("2021", 1, 0), ("2021-07-22", 1, 0)], &[(1, Overlap, 0)]);
        check(&[("2021", 1, 0), ("2021", 2, 0), ("2021", 3, 0)], &[]);
        check(&[("2021", 0, 0), ("2021", 0, 1), ("2021", 0, 2)], &[]);
        check(&[("2021", 1, 0), ("2021", 0, 0)], &[(1, BothWays, 0)]);
        check(
            &[("2021", 0, 0), ("2020-12", 1, 0), ("2021-01", 2, 0)],
            &[(2, BothWays, 0)],
        );
        check(
            &[("before 2021", 0, 0), ("2020-12-31", 0, 0)],
            &[(1, Overlap, 0)],
        );
        check(
            &[("before 2021", 0, 0), ("before 2020", 0, 0)],
            &[(1, Overlap, 0)],
        );
        check(
            &[("before-launch", 0, 0), ("2021", 1, 0)],
            &[(1, BothWays, 0)],
        );
        check(
            &[("2021", 0, 0), ("before-launch", 0, 0)],
            &[(1, Overlap, 0)],
        );
        check(&[("before-launch", 1, 0), ("before-launch", 2, 0)], &[]);
        // A long one hides behind a short one that starts later.
        check(
            &[("2021", 0, 0), ("2021-01-01", 0, 1), ("2021-12", 0, 0)],
            &[(2, Overlap, 0)],
        );
    }

    #[test]
    fn imports_are_held_against_those_before_and_only_the_last_is_told() {
        let (first, second) = (entry(&["2021", "2021-07"]), entry(&["2022", "2021-12"]));
        let found = clashes(&[&first, &second], 20);
        let other = Place { import: 0, row: 0 };
        assert_eq!(
            found,
            [Clash {
                row: 1,
                kind: ClashKind::Overlap,
                other
            }]
        );
        assert_eq!(clashes(&[], 20), []);
    }

    proptest! {
        #[test]
        fn whatever_overlaps_is_found_as_if_each_were_held_against_each(
            rows in prop::collection::vec((0..40_i32, 1..10_i32, 0..4_u32, 0..2_u32), 0..30),
        ) {
            let mut entry = import(&vec![("2021", 0, 0); rows.len()]);
            for (row, (from, days, connection, measure)) in entry.rows.iter_mut().zip(&rows) {
                row.from_day = (*from > 0).then_some(*from);
                row.to_day = Some(from + days);
                (row.connection, row.measure) = (*connection, *measure);
            }
            let overlap = |one: usize, other: usize| {
                let (a, b) = (entry.rows[one], entry.rows[other]);
                let ((a_from, a_to), (b_from, b_to)) = (span(&a).ends(), span(&b).ends());
                let scopes = a.connection == b.connection || a.connection * b.connection == 0;
                a.measure == b.measure && scopes && a_from < b_to && b_from < a_to
            };
            let any = (0..rows.len()).any(|one| (0..one).any(|other| overlap(one, other)));
            let found = clashes(&[&entry], usize::MAX);
            prop_assert_eq!(!found.is_empty(), any);
            for clash in found {
                prop_assert!(overlap(clash.row, clash.other.row));
            }
        }
    }
}
