//! One number out of an answer: what was counted, and what opening balances add to it.

use std::collections::BTreeSet;

use ndxp_proto::statistics::v1::{CountResponse, CountRow, Counts, MeasureSum, Opening};

use crate::known::TRANSACTIONS;

/// Sums of `u64`s in `u128` cannot pass its end: there are fewer than 2^64 of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Amount {
    counted: u128,
    opening: u128,
    sources: BTreeSet<String>,
}

impl Amount {
    /// Of the answer's total: transactions, or a measure, or several measures together.
    pub(crate) fn of_total(answer: &CountResponse, measures: &[&str]) -> Self {
        Self::of(answer.total.as_ref(), answer.opening.as_ref(), measures)
    }

    /// Of one row; nothing where there is none.
    pub(crate) fn of_row(row: Option<&CountRow>, measures: &[&str]) -> Self {
        let counts = row.and_then(|row| row.counts.as_ref());
        Self::of(counts, row.and_then(|row| row.opening.as_ref()), measures)
    }

    fn of(counts: Option<&Counts>, opening: Option<&Opening>, measures: &[&str]) -> Self {
        let mut amount = Self::default();
        for measure in measures {
            amount.counted += counts.map_or(0, |it| value(it.transactions, &it.measures, measure));
            amount.opening += opening.map_or(0, |it| value(it.transactions, &it.measures, measure));
        }
        if amount.opening > 0 {
            let sources = opening.map(|it| it.sources.iter().cloned());
            amount.sources = sources.into_iter().flatten().collect();
        }
        amount
    }

    pub(crate) fn exact(value: u64) -> Self {
        Self {
            counted: value.into(),
            ..Self::default()
        }
    }

    /// Per day, rounded down, and of that the share of opening balances.
    pub(crate) fn per_day(&self, days: u64) -> Self {
        let days = u128::from(days);
        let each = |sum: u128| sum.checked_div(days).unwrap_or(0);
        let opening = each(self.opening);
        Self {
            counted: each(self.counted + self.opening).saturating_sub(opening),
            opening,
            sources: self.sources.clone(),
        }
    }

    /// Low and high 64 bits of the number, opening balances with it.
    pub(crate) fn value(&self) -> (u64, u64) {
        halves(self.counted.saturating_add(self.opening))
    }

    /// Of the number, what comes from opening balances; the most that a `u64` holds if it is more.
    pub(crate) fn opening(&self) -> u64 {
        u64::try_from(self.opening).unwrap_or(u64::MAX)
    }

    pub(crate) fn sources(&self) -> Vec<String> {
        self.sources.iter().cloned().collect()
    }
}

fn value(transactions: u64, measures: &[MeasureSum], wanted: &str) -> u128 {
    if wanted == TRANSACTIONS {
        return transactions.into();
    }
    let found = measures.iter().find(|measure| measure.name == wanted);
    found.map_or(0, |it| {
        (u128::from(it.value_high) << 64) | u128::from(it.value)
    })
}

fn halves(value: u128) -> (u64, u64) {
    let low = value & u128::from(u64::MAX);
    let halves = (u64::try_from(low), u64::try_from(value >> 64));
    (halves.0.unwrap_or(u64::MAX), halves.1.unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(name: &str, value: u64, value_high: u64) -> MeasureSum {
        MeasureSum {
            name: name.to_owned(),
            value,
            value_high,
        }
    }

    fn answer(counted: (u64, Vec<MeasureSum>), opening: (u64, Vec<MeasureSum>)) -> CountResponse {
        CountResponse {
            total: Some(Counts {
                transactions: counted.0,
                measures: counted.1,
                ..Counts::default()
            }),
            opening: Some(Opening {
                transactions: opening.0,
                measures: opening.1,
                sources: vec!["b".to_owned(), "a".to_owned(), "a".to_owned()],
                left_out: 0,
            }),
            ..CountResponse::default()
        }
    }

    #[test]
    fn a_number_is_what_was_counted_and_what_balances_add() {
        let answer = answer((7, vec![sum("x", 1, 0)]), (20, vec![sum("x", 5, 0)]));
        let transactions = Amount::of_total(&answer, &[TRANSACTIONS]);
        assert_eq!(
            (transactions.value(), transactions.opening()),
            ((27, 0), 20)
        );
        assert_eq!(transactions.sources(), ["a", "b"]);
        let measure = Amount::of_total(&answer, &["x"]);
        assert_eq!((measure.value(), measure.opening()), ((6, 0), 5));
        let unknown = Amount::of_total(&answer, &["y"]);
        assert_eq!((unknown.value(), unknown.opening()), ((0, 0), 0));
        assert!(unknown.sources().is_empty(), "nothing comes from them");
        assert_eq!(Amount::of_row(None, &["x"]), Amount::default());
    }

    #[test]
    fn sums_pass_two_to_the_sixty_fourth_without_wrapping() {
        let measures = vec![sum("x", u64::MAX, 1), sum("y", 1, 0)];
        let answer = answer((0, measures), (0, Vec::new()));
        let both = Amount::of_total(&answer, &["x", "y"]);
        assert_eq!(both.value(), (0, 2));
        assert_eq!(both.per_day(2).value(), (0, 1));
    }

    #[test]
    fn an_average_is_rounded_down_once() {
        for (counted, opening, days, wanted) in [
            (343_907_138, 0, 203, 1_694_123),
            (0, 180_919_031, 365, 495_668),
            (202, 0, 203, 0),
            (100, 103, 203, 1),
            (u64::MAX, 0, 1, u64::MAX),
            (5, 5, 0, 0),
            (3, 3, 4, 1),
        ] {
            let answer = answer((counted, Vec::new()), (opening, Vec::new()));
            let each = Amount::of_total(&answer, &[TRANSACTIONS]).per_day(days);
            assert_eq!(each.value(), (wanted, 0), "{counted} + {opening} in {days}");
            assert!(each.opening() <= wanted);
        }
    }
}
