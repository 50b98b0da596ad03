//! Two periods side by side: which is compared with which, and what they are to each other.

mod sheet;

use ndxp_model::expression::OpenPeriod;
use ndxp_model::{Granularity, Instant, Period, Within, Zone};
use ndxp_proto::statistics::v1::{CountRequest, CountResponse, CountRow};
use ndxp_report::{Format, render_counts, render_explanation};

use super::asked::Cut;
use super::{Stats, ask};
use crate::failure::Failure;
use crate::output::Output;
use crate::source::Origin;

use sheet::Sheet;

/// What a period is compared with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum With {
    /// The period before it
    Previous,
    /// The same dates one year before
    YearBefore,
}

/// A period and the one that it is compared with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Two {
    pub value: Period,
    pub base: Period,
}

impl With {
    pub fn periods(self, period: Cut, now: Instant, zone: &Zone) -> Result<Two, Failure> {
        let (value, within) = over(period, now, zone)?;
        let base = match self {
            Self::Previous => zone.previous(value, within),
            Self::YearBefore => zone.year_before(value),
        };
        let base = base.ok_or_else(|| {
            Failure::usage("--compare: no calendar is kept of the other period")
                .remedy("write a period after 1970")
        })?;
        Ok(Two { value, base })
    }
}

/// What of the period is over, and what it is a part of.
fn over(period: Cut, now: Instant, zone: &Zone) -> Result<(Period, Within), Failure> {
    let OpenPeriod {
        from: Some(from),
        to,
    } = period.counted
    else {
        let what = "--compare: a period that is open at its beginning has none before it";
        return Err(Failure::usage(what).remedy("write one that begins: --period this-year"));
    };
    let to = match to {
        Some(to) if to <= now => to,
        _ => begun(from, now, zone),
    };
    if to <= from {
        let what = "--compare: no hour of the period is over yet";
        return Err(Failure::usage(what).remedy("write an earlier period, or repeat it later"));
    }
    let named_to = period.named.to.unwrap_or(to);
    let month = zone.bucket(Granularity::Month, from);
    let year = zone.year(from);
    let within = if month.from == from && named_to <= month.to {
        Within::Month
    } else if year.from == from && named_to <= year.to {
        Within::Year
    } else {
        Within::Window
    };
    Ok((Period { from, to }, within))
}

/// Up to where a running period is compared: whole days where it has any, else whole hours.
fn begun(from: Instant, now: Instant, zone: &Zone) -> Instant {
    let today = zone.bucket(Granularity::Day, now).from;
    if today > from {
        return today;
    }
    zone.bucket(Granularity::Hour, now).from
}

impl Stats {
    /// Counts both periods and prints them side by side.
    pub(super) async fn compared(
        &self,
        origin: &Origin,
        two: Two,
        zone: &Zone,
    ) -> Result<(), Failure> {
        let bounds = |period: Period| (period.from.as_micros(), period.to.as_micros());
        let (from_us, to_us) = bounds(two.value);
        // Only the whole answers show how long transactions took.
        let request = |from_us, to_us| CountRequest {
            without_durations: self.output != Format::Json,
            ..self.request(from_us, to_us)
        };
        let value = ask(origin, request(from_us, to_us)).await?;
        let (from_us, to_us) = bounds(two.base);
        // A row may have been far from the top then. With opening balances, a period before the
        // launch may be asked for: a platform that was not there yet carried nothing.
        let all = CountRequest {
            top: 0,
            with_baselines: true,
            ..request(from_us, to_us)
        };
        let mut base = ask(origin, all).await?;
        if !self.with_baselines {
            base.opening = None;
            base.rows.iter_mut().for_each(|row| row.opening = None);
            // Nor rows that stood there for an opening balance alone.
            let counted = |row: &CountRow| row.counts.as_ref().is_some_and(|it| it.attempts > 0);
            base.rows.retain(counted);
        }
        let sheet = Sheet::of(&value, &base, self.top.is_some());
        let text = match self.output {
            Format::Table => sheet.table(self.dimension(), two, zone, self.lang),
            Format::Csv => sheet.csv(),
            Format::Json => {
                let counts = |of: &CountResponse| -> Result<serde_json::Value, Failure> {
                    let text = render_counts(of, self.dimension(), Format::Json, self.lang);
                    let text = text.map_err(Failure::internal)?;
                    serde_json::from_str(&text).map_err(Failure::internal)
                };
                sheet.json(counts(&value)?, counts(&base)?)
            }
        };
        if self.explain {
            for response in [&value, &base] {
                let lines = render_explanation(response, self.lang).map_err(Failure::internal)?;
                eprintln!("{lines}");
            }
        }
        Output::open().text(&text)
    }
}

#[cfg(test)]
mod tests {
    use ndxp_model::expression;

    use super::*;

    /// Friday, 22/7/2022, 09:30 in Viet Nam.
    const NOW: Instant = Instant::from_micros(1_658_457_000_000_000);

    fn two(with: With, text: &str, as_of: Option<&str>) -> Result<(String, String), Failure> {
        let zone = Zone::viet_nam();
        let named = expression::period(text, NOW, &zone).unwrap();
        let cut_off = as_of.map(|text| expression::cut_off(text, NOW, &zone).unwrap());
        let counted = cut_off.map_or(named, |at| named.until(at).unwrap());
        let two = with.periods(Cut { named, counted }, NOW, &zone)?;
        let text = |period| expression::text(period, &zone);
        Ok((text(two.value), text(two.base)))
    }

    #[track_caller]
    fn check(with: With, text: &str, as_of: Option<&str>, value: &str, base: &str) {
        let found = two(with, text, as_of);
        assert_eq!(found, Ok((value.to_owned(), base.to_owned())), "{text}");
    }

    #[test]
    fn each_period_has_the_one_before_it_and_the_one_a_year_before() {
        use With::{Previous, YearBefore};
        let days = "2022-07-01..2022-07-22";
        check(Previous, "2022-06", None, "2022-06", "2022-05");
        check(YearBefore, "2022-06", None, "2022-06", "2021-06");
        check(Previous, "2021", None, "2021", "2020");
        check(
            Previous,
            "2022-W28",
            None,
            "2022-07-11..2022-07-17",
            "2022-07-04..2022-07-10",
        );
        check(
            Previous,
            "2022-07-05..2022-07-07",
            None,
            "2022-07-05..2022-07-07",
            "2022-07-02..2022-07-04",
        );
        check(
            Previous,
            "2022-06",
            Some("2022-06-22"),
            "2022-06-01..2022-06-22",
            "2022-05-01..2022-05-22",
        );
        // Of a year is what was named: January of it is not compared with December.
        check(
            Previous,
            "2022",
            Some("2022-01-15"),
            "2022-01-01..2022-01-15",
            "2021-01-01..2021-01-15",
        );
        check(
            Previous,
            "2022-01",
            Some("2022-01-15"),
            "2022-01-01..2022-01-15",
            "2021-12-01..2021-12-15",
        );
        check(
            YearBefore,
            days,
            Some("2022-07-21"),
            "2022-07-01..2022-07-21",
            "2021-07-01..2021-07-21",
        );
    }

    #[test]
    fn what_is_not_over_is_compared_as_far_as_it_has_come() {
        use With::{Previous, YearBefore};
        check(
            Previous,
            "this-month",
            None,
            "2022-07-01..2022-07-21",
            "2022-06-01..2022-06-21",
        );
        check(
            YearBefore,
            "this-year",
            None,
            "2022-01-01..2022-07-21",
            "2021-01-01..2021-07-21",
        );
        check(
            YearBefore,
            "2022-07..",
            None,
            "2022-07-01..2022-07-21",
            "2021-07-01..2021-07-21",
        );
        check(
            Previous,
            "today",
            None,
            "2022-07-22T00..2022-07-22T09",
            "2022-07-21T15..2022-07-22T00",
        );
    }

    #[test]
    fn what_has_nothing_to_be_compared_with_is_refused() {
        for (text, part) in [
            ("since-launch", "open at its beginning"),
            ("2022-07-22T09", "no hour of the period is over"),
            ("1970", "no calendar"),
        ] {
            let refused = two(With::Previous, text, None).unwrap_err();
            assert!(refused.to_string().contains(part), "{refused}");
        }
    }
}
