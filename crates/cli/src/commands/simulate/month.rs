//! Which month is simulated, and how large: the arguments and what they mean together.

use clap::Args;
use ndxp_model::{Period, Zone};
use ndxp_sim::history::{ANSWERED_PER_DAY, History, HistoryError};
use serde::Serialize;

use crate::failure::Failure;

/// The month whose figures are published, and the day up to which they are.
pub const JULY_2022: (&str, &str) = ("2022-07", "2022-07-22");

#[derive(Args, Clone, Debug, Serialize)]
pub struct Month {
    /// The calendar month
    #[arg(long, value_name = "MONTH", default_value = JULY_2022.0)]
    pub month: String,

    /// Its last day that is simulated [default: 2022-07-22 in July 2022, else the month's last]
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,

    /// One of so many transactions, and of so many of the opening balances, rounded down
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub scale: u64,

    /// Answered calls in all, before scaling; without opening balances
    ///
    /// Without it, July 2022 up to the 22nd has 10,385,415, and any other time 472,064 a day.
    #[arg(long, value_name = "N")]
    pub transactions: Option<u64>,

    /// The same seed gives the same entries
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

impl Month {
    /// July 2022 at a scale.
    #[must_use]
    pub fn july_2022(scale: u64, seed: u64) -> Self {
        Self {
            month: JULY_2022.0.to_owned(),
            until: None,
            scale,
            transactions: None,
            seed,
        }
    }

    pub fn history(&self, zone: &Zone) -> Result<History, Failure> {
        let month = zone.month(&self.month)?;
        let period = Period {
            from: month.from,
            to: self.end(month, zone)?,
        };
        let zone = zone.clone();
        let published = zone.moment(JULY_2022.1)?.to;
        let is_published = self.month == JULY_2022.0 && period.to == published;
        if is_published && self.transactions.is_none() {
            let history = History::july_2022(zone, period, self.scale, self.seed);
            return history.map_err(|error| self.failure(&error));
        }
        let wanted = match self.transactions {
            Some(wanted) => wanted,
            None => ANSWERED_PER_DAY.saturating_mul(zone.days(period)),
        };
        History::of(zone, period, wanted / self.scale, self.seed)
            .map_err(|error| self.failure(&error))
    }

    fn end(&self, month: Period, zone: &Zone) -> Result<ndxp_model::Instant, Failure> {
        let until = match &self.until {
            Some(until) => until.as_str(),
            None if self.month == JULY_2022.0 => JULY_2022.1,
            None => return Ok(month.to),
        };
        let day = zone.moment(until)?;
        let is_day = until.len() == JULY_2022.1.len();
        if !is_day || !month.contains(day.from) {
            let what = format!("--until {until} is no day of {}", self.month);
            return Err(Failure::usage(what).remedy(format!(
                "write a date of the month, such as {}-22, or leave it away",
                self.month
            )));
        }
        Ok(day.to)
    }

    fn failure(&self, error: &HistoryError) -> Failure {
        let remedy = match self.scale {
            1 => "give --transactions within these bounds, or more days",
            _ => "choose a smaller --scale, or more --transactions",
        };
        Failure::usage(error).remedy(remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answered calls, or what is wrong.
    #[track_caller]
    fn check(change: impl FnOnce(&mut Month), wanted: Result<u64, &str>) {
        let mut month = Month::july_2022(1, 1);
        change(&mut month);
        let history = month.history(&Zone::viet_nam());
        let found = history.map(|history| history.volume().answered);
        match (found, wanted) {
            (Ok(found), Ok(wanted)) => assert_eq!(found, wanted),
            (Err(found), Err(wanted)) => assert!(found.what.contains(wanted), "{found}"),
            (found, wanted) => panic!("{found:?} instead of {wanted:?}"),
        }
    }

    #[test]
    fn july_has_the_reports_transactions_and_other_times_as_many_a_day() {
        check(|_| {}, Ok(10_385_415));
        check(|it| it.scale = 100, Ok(103_854));
        check(|it| it.until = Some("2022-07-22".into()), Ok(10_385_415));
        check(|it| it.until = Some("2022-07-31".into()), Ok(31 * 472_064));
        check(|it| it.month = "2024-02".into(), Ok(29 * 472_064));
        check(|it| it.transactions = Some(50_000), Ok(50_000));
        let september = |it: &mut Month| {
            it.month = "2022-09".into();
            it.until = Some("2022-09-26".into());
            it.transactions = Some(58_397_139);
            it.scale = 10;
        };
        check(september, Ok(5_839_713));
    }

    #[test]
    fn what_is_no_month_or_no_day_of_it_is_refused() {
        check(|it| it.month = "2022-13".into(), Err("2022-13"));
        let until = |text: &str| {
            let text = text.to_owned();
            move |it: &mut Month| it.until = Some(text)
        };
        for text in ["2022-08-01", "2022-06-30", "2022-07", "2022-07-22T09"] {
            check(until(text), Err("is no day of 2022-07"));
        }
        check(until("2022-07-32"), Err("2022-07-32"));
        check(|it| it.transactions = Some(9_999), Err("9999"));
        check(
            |it| it.transactions = Some(u64::MAX),
            Err("cannot be simulated"),
        );
    }
}
