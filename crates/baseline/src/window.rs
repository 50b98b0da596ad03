//! The period of a question beside the periods of balances. Questions may begin and end on any hour;
//! balances are of whole days, so only whole days of the question can hold one.

use ndxp_model::{Granularity, Instant, Period, Zone};

use crate::day::Day;
use crate::span::Span;

/// The period of a question. An open end is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Window {
    from: Option<End>,
    to: Option<End>,
}

/// One end of a question: the instant, the day that it lies in, and the day that begins there or next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct End {
    at: Instant,
    day: Day,
    next: Day,
}

/// How a balance lies to a question's period.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lies {
    Within,
    /// Partly within, and nobody knows how much of it.
    Across,
    Outside,
}

/// Where the calendar of periods ends: what reaches it is open.
const FAR: Instant = Instant::from_micros(253_370_764_800_000_000);

impl Window {
    /// All time.
    pub const ALWAYS: Self = Self {
        from: None,
        to: None,
    };

    /// An end at or before the epoch, or behind the year 9998, is open, as in questions to the
    /// counters.
    #[must_use]
    pub fn of(period: Period, zone: &Zone) -> Self {
        let end = |at: Instant| {
            let is_open = at <= Instant::EPOCH || at >= FAR;
            (!is_open).then(|| End::of(at, zone))
        };
        Self {
            from: end(period.from),
            to: end(period.to),
        }
    }

    /// `ends` is where `before-launch` ends.
    pub(crate) fn holds(&self, span: Span, ends: Instant) -> Lies {
        let (begins_in, ends_in) = match (span.from, span.to) {
            (None, None) => (self.from.is_none(), self.to.is_none_or(|to| ends <= to.at)),
            (from, to) => (
                self.from
                    .is_none_or(|end| from.is_some_and(|from| from >= end.next)),
                self.to.is_none_or(|end| to.is_some_and(|to| to <= end.day)),
            ),
        };
        if begins_in && ends_in {
            return Lies::Within;
        }
        let is_over = self.from.is_some_and(|end| match (span.from, span.to) {
            (None, None) => ends <= end.at,
            (_, to) => to.is_some_and(|to| to <= end.day),
        });
        let is_to_come = self
            .to
            .is_some_and(|end| span.from.is_some_and(|from| from >= end.next));
        match is_over || is_to_come {
            true => Lies::Outside,
            false => Lies::Across,
        }
    }
}

impl End {
    fn of(at: Instant, zone: &Zone) -> Self {
        let day = Day::of(zone, at);
        let is_start = zone.bucket(Granularity::Day, at).from == at;
        Self {
            at,
            day,
            next: if is_start { day } else { day.next() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(text: &str) -> Instant {
        match text {
            "" => Instant::EPOCH,
            text => Zone::viet_nam().moment(text).unwrap().from,
        }
    }

    /// From, to, the balance's period, and how it lies; `before-launch` ends on 22/7/2022 at 9.
    #[track_caller]
    fn check(from: &str, to: &str, span: &str, wanted: Lies) {
        let period = Period {
            from: start(from),
            to: start(to),
        };
        let window = Window::of(period, &Zone::viet_nam());
        let found = window.holds(span.parse().unwrap(), start("2022-07-22T09"));
        assert_eq!(found, wanted, "{span} in {from:?} to {to:?}");
    }

    #[test]
    fn a_balance_belongs_to_a_period_when_it_lies_within_it() {
        use Lies::{Across, Outside, Within};
        check("2021-01-01", "2022-01-01", "2021", Within);
        check("2021-01-01", "2022-01-01", "2021-12", Within);
        check("2021-01-01", "2021-12-31", "2021", Across);
        check("2021-01-01T01", "2022-01-01", "2021", Across);
        check("2021-01-01", "2021-12-31T23", "2021", Across);
        check("2021-01-01", "2021-12-31T23", "2021-12-31", Across);
        check("2021-01-01", "2021-12-31T23", "2021-12-30", Within);
        check("2020-12-31T23", "2022-01-01T01", "2021", Within);
        check("2022-01-01", "2023-01-01", "2021", Outside);
        check("2020-01-01", "2021-01-01", "2021", Outside);
        check("2020-01-01", "2021-01-01T01", "2021", Across);
        check("2021-12-31T23", "2023-01-01", "2021", Across);
        check("2022-01-01T00", "2023-01-01", "2021", Outside);
    }

    #[test]
    fn what_has_no_first_day_belongs_to_what_has_no_start() {
        use Lies::{Across, Outside, Within};
        check("", "", "before 2021", Within);
        check("", "2021-01-01", "before 2021", Within);
        check("", "2020-12-31T23", "before 2021", Across);
        check("", "2020-12-31", "before 2021", Across);
        check("2020-01-01", "", "before 2021", Across);
        check("2021-01-01", "", "before 2021", Outside);
        check("2020-12-31T23", "", "before 2021", Across);
        check("", "", "before-launch", Within);
        check("", "2022-07-22T09", "before-launch", Within);
        check("", "2022-07-22T08", "before-launch", Across);
        check("2022-07-22T09", "", "before-launch", Outside);
        check("2022-07-22T08", "", "before-launch", Across);
        check("", "", "2021", Within);
        check("", "2021-06-01", "2021", Across);
        check("", "2020-06-01", "2021", Outside);
    }
}
