//! Which buckets of time answer a question: the period is tiled with the largest that fit, and
//! neighbouring tiles of one size are read as one run.

use ndxp_model::{Granularity, Instant, Period, Zone};

use crate::counter::Overflow;
use crate::dimension::Dimension;
use crate::error::CountersError;

/// Rows of a breakdown by hour: ten years. A row is some kilobytes of histogram at most, so an
/// answer stays within a few hundred megabytes.
pub const HOURS_MAX: u64 = 10 * 366 * 24;
/// Where the calendar of periods ends: what reaches it is open.
const FAR: Instant = Instant::from_micros(253_370_764_800_000_000);
const MIN: Instant = Instant::from_micros(i64::MIN);
const MAX: Instant = Instant::from_micros(i64::MAX);
const HOUR_MICROS: i64 = 3_600_000_000;

/// Neighbouring buckets of one size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Run {
    pub granularity: Granularity,
    pub from: Instant,
    pub to: Instant,
}

/// The stretch of time in which anything was counted: from the hour of the first closing to the last
/// entry applied.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    pub began: Instant,
    pub now: Instant,
}

/// What answers a question: the sum of the runs, less that of the others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plan {
    pub runs: Vec<Run>,
    /// What came after the period, where all time less that is fewer rows than the period itself.
    /// All of it is part of `runs`.
    pub less: Vec<Run>,
}

/// Whether what is read is added or taken away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sign {
    More,
    Less,
}

impl Plan {
    /// What is added first, then what is taken away.
    pub fn signed(&self) -> impl Iterator<Item = (Sign, &Run)> {
        let more = self.runs.iter().map(|run| (Sign::More, run));
        more.chain(self.less.iter().map(|run| (Sign::Less, run)))
    }
}

impl Sign {
    /// # Errors
    /// When the sum does not fit.
    pub fn apply(self, sum: &mut u64, value: u64, name: &str) -> Result<(), Overflow> {
        let changed = match self {
            Self::More => sum.checked_add(value),
            Self::Less => sum.checked_sub(value),
        };
        *sum = changed.ok_or_else(|| Overflow::of(name))?;
        Ok(())
    }
}

impl Run {
    pub const fn period(&self) -> Period {
        Period {
            from: self.from,
            to: self.to,
        }
    }

    /// The run, bucket by bucket.
    pub fn buckets(&self, zone: &Zone) -> Vec<Self> {
        let mut buckets = Vec::new();
        let mut from = self.from;
        while from < self.to {
            let to = match self.granularity {
                Granularity::All => self.to,
                size => zone.bucket(size, from).to,
            };
            let granularity = self.granularity;
            buckets.push(Self {
                granularity,
                from,
                to,
            });
            from = to;
        }
        buckets
    }
}

/// Pure: what answers a question about the period without durations, which cannot be taken away
/// again, and as one stretch of time.
///
/// # Errors
/// When the period does not lie on whole hours.
pub fn shortest(zone: &Zone, period: Period, life: Option<Life>) -> Result<Plan, CountersError> {
    let direct = plan(zone, period, life, None)?;
    let (Some(life), Period { from, to }) = (life, opened(zone, period)?) else {
        return Ok(Plan {
            runs: direct,
            ..Plan::default()
        });
    };
    let (always, after) = (Period { from: MIN, to: MAX }, Period { from: to, to: MAX });
    let less = plan(zone, after, Some(life), None)?;
    if from <= life.began && rows(zone, &less) + 1 < rows(zone, &direct) {
        return Ok(Plan {
            runs: plan(zone, always, Some(life), None)?,
            less,
        });
    }
    Ok(Plan {
        runs: direct,
        ..Plan::default()
    })
}

/// How many buckets the runs are, nearly.
fn rows(zone: &Zone, runs: &[Run]) -> u64 {
    let buckets = |run: &Run| {
        let days = zone.days(run.period());
        match run.granularity {
            Granularity::All => 1,
            Granularity::Month => days.div_ceil(31),
            Granularity::Day => days,
            Granularity::Hour => days * 24,
        }
    };
    runs.iter().map(buckets).sum()
}

/// Pure: the runs that answer a question about the period, broken down as told.
///
/// # Errors
/// When the period does not lie on whole hours, or the rows are too many.
pub fn plan(
    zone: &Zone,
    period: Period,
    life: Option<Life>,
    by: Option<Dimension>,
) -> Result<Vec<Run>, CountersError> {
    let opened = opened(zone, period)?;
    let Some(life) = life else {
        return Ok(Vec::new());
    };
    let largest = by.and_then(Dimension::size).unwrap_or(Granularity::All);
    let runs = runs(zone, opened, life, largest).ok_or_else(|| not_whole(zone, period))?;
    if let (Some(by @ Dimension::Hour), [run]) = (by, &*runs) {
        let hours = (run.to.as_micros() - run.from.as_micros()) / HOUR_MICROS;
        let (rows, from, rows_max) = (u64::try_from(hours).unwrap_or(0), run.from, HOURS_MAX);
        if rows > rows_max {
            return Err(CountersError::TooManyRows {
                by,
                from,
                rows,
                rows_max,
            });
        }
    }
    Ok(runs)
}

/// The period with its open ends as far out as they go; the others must be on whole hours.
fn opened(zone: &Zone, period: Period) -> Result<Period, CountersError> {
    let outside = |end: Instant| end <= Instant::EPOCH || end >= FAR;
    let whole = |end: Instant| zone.bucket(Granularity::Hour, end).from == end;
    if ![period.from, period.to]
        .into_iter()
        .all(|end| outside(end) || whole(end))
    {
        return Err(not_whole(zone, period));
    }
    let from_open = period.from <= Instant::EPOCH;
    let to_open = period.to >= FAR;
    Ok(Period {
        from: if from_open { MIN } else { period.from },
        to: if to_open { MAX } else { period.to },
    })
}

fn not_whole(zone: &Zone, period: Period) -> CountersError {
    let zone = zone.name().to_owned();
    CountersError::NotWholeHours { period, zone }
}

/// The runs of buckets no larger than `largest` that cover what of the period can hold anything.
/// `None` when the period does not lie on whole hours.
fn runs(zone: &Zone, period: Period, life: Life, largest: Granularity) -> Option<Vec<Run>> {
    let Life { began, now } = life;
    let (from_begins, to_ends) = (period.from <= began, now < period.to);
    // Where nothing lies outside, an end is moved to a whole month: the largest buckets fit, and no
    // bucket is asked for that cuts finer than the question needs.
    let covered = Period {
        from: match from_begins {
            true => zone.bucket(Granularity::Month, began).from,
            false => period.from,
        },
        to: match to_ends {
            true => zone.bucket(Granularity::Month, now).to,
            false => period.to,
        },
    };
    if covered.is_empty() || period.is_empty() || period.to <= began || now < period.from {
        return Some(Vec::new());
    }
    if largest == Granularity::All && from_begins && to_ends {
        let granularity = Granularity::All;
        let from = zone.bucket(granularity, began).from;
        let to = Instant::from_micros(from.as_micros() + 1);
        return Some(vec![Run {
            granularity,
            from,
            to,
        }]);
    }
    if largest == Granularity::Hour {
        return Some(vec![Run {
            granularity: largest,
            from: covered.from,
            to: covered.to,
        }]);
    }
    let mut runs: Vec<Run> = Vec::new();
    for (granularity, tile) in zone.tile_within(covered, largest)? {
        match runs.last_mut() {
            Some(run) if run.granularity == granularity => run.to = tile.to,
            _ => runs.push(Run {
                granularity,
                from: tile.from,
                to: tile.to,
            }),
        }
    }
    Some(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `size from..to` of each run, in local time.
    #[track_caller]
    fn check_runs(period: (&str, &str), largest: Granularity, expected: &[&str]) {
        let zone = Zone::viet_nam();
        let start = |text: &str| zone.moment(text).unwrap().from;
        let period = Period {
            from: if period.0.is_empty() {
                MIN
            } else {
                start(period.0)
            },
            to: if period.1.is_empty() {
                MAX
            } else {
                start(period.1)
            },
        };
        let (first, now) = (start("2022-06-10T09"), start("2022-08-20T10"));
        let life = Life {
            began: first,
            now: Instant::from_micros(now.as_micros() + 5),
        };
        let shown: Vec<String> = runs(&zone, period, life, largest)
            .unwrap()
            .iter()
            .map(|run| {
                let label = |instant| zone.label(run.granularity, instant);
                let last = Instant::from_micros(run.to.as_micros() - 1);
                format!("{} {}..={}", run.granularity, label(run.from), label(last))
            })
            .collect();
        assert_eq!(shown, expected, "{period:?}");
    }

    #[test]
    fn a_period_is_read_in_the_largest_buckets_that_fit() {
        let all = Granularity::All;
        check_runs(("", ""), all, &["all all..=all"]);
        check_runs(("2022-06-10T09", "2022-08-20T11"), all, &["all all..=all"]);
        check_runs(
            ("2022-06-10T10", ""),
            all,
            &[
                "hour 2022-06-10T10..=2022-06-10T23",
                "day 2022-06-11..=2022-06-30",
                "month 2022-07..=2022-08",
            ],
        );
        check_runs(
            ("", "2022-08-20T10"),
            all,
            &[
                "month 2022-06..=2022-07",
                "day 2022-08-01..=2022-08-19",
                "hour 2022-08-20T00..=2022-08-20T09",
            ],
        );
        check_runs(("2022-07", "2022-08"), all, &["month 2022-07..=2022-07"]);
        check_runs(("2022-08", "2022-09"), all, &["month 2022-08..=2022-08"]);
        check_runs(("2019-01", "2022-06"), all, &[]);
        check_runs(("2022-09", "2023-01"), all, &[]);
        check_runs(
            ("2022-07-31T22", "2022-08-01T02"),
            Granularity::Day,
            &["hour 2022-07-31T22..=2022-08-01T01"],
        );
        check_runs(
            ("2022-07", ""),
            Granularity::Day,
            &["day 2022-07-01..=2022-08-31"],
        );
        check_runs(
            ("2022-07", "2022-08"),
            Granularity::Hour,
            &["hour 2022-07-01T00..=2022-07-31T23"],
        );
    }

    /// Since launch to a cut-off is all time less what came after it, where that is less to read.
    #[test]
    fn a_long_stretch_is_all_time_less_a_short_one() {
        let zone = Zone::viet_nam();
        let start = |text: &str| zone.moment(text).unwrap().from;
        let life = Life {
            began: start("2012-06-10T09"),
            now: start("2022-08-20T10"),
        };
        let size = |runs: &[Run]| -> Vec<_> {
            runs.iter()
                .map(|run| (run.granularity, run.buckets(&zone).len()))
                .collect()
        };
        let (all, month, day) = (Granularity::All, Granularity::Month, Granularity::Day);
        for (from, to, runs, less) in [
            ("2012-01", "2022-08-16", vec![(all, 1)], vec![(day, 16)]),
            ("2012-01", "2022-08", vec![(all, 1)], vec![(month, 1)]),
            ("2012-01", "2023-01", vec![(all, 1)], vec![]),
            ("2012-01", "2012-09", vec![(month, 3)], vec![]),
            ("2012-07", "2022-08", vec![(month, 121)], vec![]),
            ("2022-01", "2022-08-02", vec![(month, 7), (day, 1)], vec![]),
            ("2010-01", "2011-01", vec![], vec![]),
        ] {
            let period = Period {
                from: start(from),
                to: start(to),
            };
            let plan = shortest(&zone, period, Some(life)).unwrap();
            assert_eq!(
                (size(&plan.runs), size(&plan.less)),
                (runs, less),
                "{from} {to}"
            );
        }
    }

    /// Clocks that are set forward and back, by half an hour and at midnight too.
    #[test]
    fn runs_cover_the_period_once_in_every_zone() {
        let mut rng = fastrand::Rng::with_seed(1);
        for name in [
            "Asia/Ho_Chi_Minh",
            "Asia/Kathmandu",
            "Europe/Berlin",
            "Australia/Lord_Howe",
            "America/Sao_Paulo",
        ] {
            let zone: Zone = name.parse().unwrap();
            let hour = |instant| zone.bucket(Granularity::Hour, instant);
            for _ in 0..300 {
                let start = rng.i64(1_500_000_000..1_560_000_000) * 1_000_000;
                let period = Period {
                    from: hour(Instant::from_micros(start)).from,
                    to: hour(Instant::from_micros(
                        start + rng.i64(0..100 * 24) * HOUR_MICROS,
                    ))
                    .to,
                };
                let life = Life {
                    began: zone.bucket(Granularity::Month, period.from).from,
                    now: period.to,
                };
                let runs = runs(&zone, period, life, Granularity::Month).unwrap();
                let mut at = period.from;
                for run in &runs {
                    assert_eq!(run.from, at, "{name} {period:?}");
                    while at < run.to {
                        let bucket = zone.bucket(run.granularity, at);
                        assert_eq!(bucket.from, at, "{name} {period:?}");
                        at = bucket.to;
                    }
                    assert_eq!(at, run.to, "{name} {period:?}");
                }
                assert_eq!(at, period.to, "{name}");
            }
        }
    }
}
