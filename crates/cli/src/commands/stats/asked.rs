//! The period that is asked about, and the instant that it is cut at.

use clap::Args;
use ndxp_model::expression::{self, ExpressionError, OpenPeriod};
use ndxp_model::{Instant, Zone};

use crate::failure::Failure;

/// Without any of these: since the hub's first entry, until now.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Period")]
pub struct Asked {
    /// Period in one word: 2022-07, 2022-W29, yesterday, 2022-01..2022-07
    ///
    /// In the hub's time zone: a year (2022), quarter (2022-Q3), month (2022-07), ISO week
    /// (2022-W29), date (2022-07-22) or hour (2022-07-22T09); today, yesterday, this-week,
    /// last-week, this-month, last-month, this-year, last-year, since-launch; or a range of two of
    /// them, FROM..TO, which includes both, and of which one may be left out. An hour that ends a
    /// range is where it ends: 2022-07-22T08..2022-07-22T10 is two hours.
    #[arg(long, value_name = "PERIOD", conflicts_with_all = ["from", "to"])]
    period: Option<String>,

    /// Start, as in --period
    ///
    /// Without it, the period begins with the hub's first entry.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// End, as in --period: a date, month or year is included, an hour is where it ends
    ///
    /// `--to 2022-07-22` includes all of that day; `--to 2022-07-22T09` ends at nine o'clock.
    /// Without it, the period is open.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,

    /// Count as if it were this time: what came later is left out
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
}

/// A period as it was named, and what of it lies before the cut-off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cut {
    pub named: OpenPeriod,
    pub counted: OpenPeriod,
}

impl Asked {
    pub fn period(&self, now: Instant, zone: &Zone) -> Result<Cut, Failure> {
        let named = self.named(now, zone)?;
        let Some(text) = &self.as_of else {
            let counted = named;
            return Ok(Cut { named, counted });
        };
        let cut_off = expression::cut_off(text, now, zone).map_err(|e| refused("--as-of", &e))?;
        let begun = expression::between(Some(text), None, now, zone);
        begun.map_err(|error| refused("--as-of", &error))?;
        let counted = named.until(cut_off).ok_or_else(|| {
            let what = format!("--as-of {text:?}: the period begins no earlier than that");
            Failure::usage(what).remedy("write a time within the period, or an earlier period")
        })?;
        Ok(Cut { named, counted })
    }

    fn named(&self, now: Instant, zone: &Zone) -> Result<OpenPeriod, Failure> {
        if let Some(text) = &self.period {
            let period = expression::period(text, now, zone);
            return period.map_err(|error| refused("--period", &error));
        }
        let (from, to) = (self.from.as_deref(), self.to.as_deref());
        for (option, text) in [("--from", from), ("--to", to)] {
            if let Some(text) = text {
                let end = expression::cut_off(text, now, zone);
                end.map_err(|error| refused(option, &error))?;
            }
        }
        let period = expression::between(from, to, now, zone);
        period.map_err(|error| refused("the range", &error))
    }
}

fn refused(option: &str, error: &ExpressionError) -> Failure {
    Failure::usage(format_args!("{option} {error}")).remedy(error.remedy())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Friday, 22/7/2022, 09:30 in Viet Nam.
    const NOW: Instant = Instant::from_micros(1_658_457_000_000_000);

    fn asked(period: &str, from: &str, to: &str, as_of: &str) -> Asked {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Asked {
            period: given(period),
            from: given(from),
            to: given(to),
            as_of: given(as_of),
        }
    }

    #[test]
    fn the_same_period_can_be_said_in_several_ways() {
        let zone = Zone::viet_nam();
        let days = "2022-07-01..2022-07-21";
        let wanted = expression::period(days, NOW, &zone).unwrap();
        for asked in [
            asked(days, "", "", ""),
            asked("", "2022-07-01", "2022-07-21", ""),
            asked("", "this-month", "yesterday", ""),
            asked("2022-07", "", "", "2022-07-21"),
            asked("2022-07..", "", "", "yesterday"),
            asked("", "2022-07", "2022-07", "2022-07-22T00"),
        ] {
            let found = asked.period(NOW, &zone).map(|cut| cut.counted);
            assert_eq!(found, Ok(wanted), "{asked:?}");
        }
        let open = asked("", "", "", "").period(NOW, &zone).unwrap();
        assert_eq!(open.counted, OpenPeriod::default());
    }

    #[track_caller]
    fn check_refused(asked: &Asked, wanted: &str) {
        let refused = asked.period(NOW, &Zone::viet_nam()).unwrap_err();
        assert_eq!(refused.exit, crate::failure::Exit::Usage);
        assert_eq!(refused.to_string(), wanted);
    }

    #[test]
    fn what_is_wrong_is_said_by_option_value_and_remedy() {
        check_refused(
            &asked("", "2022-02-29", "", ""),
            "error: --from \"2022-02-29\" does not exist: 2022-02 has 28 days\n\
             remedy: write a day from 01 to 28",
        );
        check_refused(
            &asked("", "2022-07-22", "2022-07-21", ""),
            "error: the range \"2022-07-22..2022-07-21\" ends before it begins\n\
             remedy: write the earlier time first",
        );
        check_refused(
            &asked("2023", "", "", ""),
            "error: --period \"2023\" has not begun\n\
             remedy: write a period that has begun; it is now 2022-07-22T09:30",
        );
        check_refused(
            &asked("2022-07", "", "", "2022-06"),
            "error: --as-of \"2022-06\": the period begins no earlier than that\n\
             remedy: write a time within the period, or an earlier period",
        );
        check_refused(
            &asked("2022-07", "", "", "2022-08"),
            "error: --as-of \"2022-08\" has not begun\n\
             remedy: write a period that has begun; it is now 2022-07-22T09:30",
        );
    }
}
