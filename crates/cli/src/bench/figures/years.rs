//! Years of a national hub: 280 transactions a working day on each of any number of connections on
//! average, 2.8 million on 10,000; every one of them is used every day, the busiest some hundred
//! times as much as the least.

use std::collections::BTreeMap;

use jiff::civil::Date;
use ndxp_counters::{Builder, Counter, Ending, Histogram, Line, Watermark};
use ndxp_model::{Fault, Granularity, Instant, Outcome, Zone};
use ndxp_proto::journal::v1::Connection;

use super::dice::Dice;

/// Of one connection on average: 10,000 make the 2.8 million of 4/2024. Weekends carry a third.
const A_DAY: f64 = 280.0;
const WEEKEND: f64 = 1.0 / 3.0;
/// Days at the end that are counted hour by hour, since their hours are kept: two months and some.
const DAYS_BY_HOUR: i64 = 66;
/// Office hours, in which the hours of a day are counted.
const HOURS: std::ops::Range<i8> = 7..19;
/// Distributions of durations, each of which every so many-th connection has.
const SHAPES: usize = 16;

/// What happens on a connection.
struct Traffic {
    line: Line,
    /// Transactions a working day.
    a_day: f64,
    shape: usize,
    /// Bytes of one request and response.
    bytes: [f64; 2],
    measure: Option<(&'static str, f64)>,
}

/// How often a call ends so, of all transactions.
struct Share {
    ending: Ending,
    share: f64,
}

pub struct Years<'a> {
    zone: &'a Zone,
    first: Date,
    days: i64,
    traffic: Vec<Traffic>,
    shares: Vec<Share>,
    /// Probability of each bucket of the histogram.
    shapes: Vec<Vec<(u16, f64)>>,
    dice: Dice,
}

/// The name of a connection, of which there are as many consumers as provinces have systems.
pub fn connection(place: usize) -> Connection {
    Connection {
        consumer: format!("H{:02}/system-{}", place % 63 + 1, place / 63 % 4),
        provider: format!("G{:02}/provider-{}", place % 18 + 1, place % 3),
        service: format!("gov.vn.example.v1.Service{}", place / 252),
    }
}

impl<'a> Years<'a> {
    pub fn new(zone: &'a Zone, connections: usize, first: Date, days: i64) -> Self {
        let mut dice = Dice::seeded(20_220_722);
        let weight = |place: usize| (place as f64 + 20.0).powf(-0.9);
        let sum: f64 = (0..connections).map(weight).sum();
        let mut weights: Vec<f64> = (0..connections)
            .map(|place| weight(place) / sum * A_DAY * connections as f64)
            .collect();
        dice.shuffle(&mut weights);
        let traffic = weights
            .into_iter()
            .enumerate()
            .map(|(place, a_day)| Traffic {
                line: Line {
                    connection: connection(place),
                    method: "Get".to_owned(),
                },
                a_day,
                shape: place % SHAPES,
                bytes: [
                    200.0 * (dice.normal() * 0.8).exp() + 100.0,
                    4_000.0 * (dice.normal() * 1.2).exp() + 200.0,
                ],
                measure: match place % 20 {
                    0..4 => Some(("records", 3.0)),
                    4 => Some(("amount_vnd", 250_000.0)),
                    _ => None,
                },
            });
        Self {
            zone,
            first,
            days,
            traffic: traffic.collect(),
            shares: shares(),
            shapes: shapes(),
            dice,
        }
    }

    /// Counts them all. Tells what month it has come to.
    pub fn count(
        &mut self,
        builder: &mut Builder,
        progress: &dyn Fn(Date),
    ) -> anyhow::Result<Watermark> {
        let mut day = self.first;
        let end = self.first.checked_add(jiff::Span::new().days(self.days))?;
        let by_hour = end.checked_sub(jiff::Span::new().days(DAYS_BY_HOUR))?;
        let mut watermark = Watermark::default();
        while day < end {
            progress(day);
            let month_end = day.last_of_month().tomorrow()?;
            let to = if day < by_hour {
                month_end.min(by_hour)
            } else {
                day.tomorrow()?
            };
            watermark = match day < by_hour {
                true => self.days_of(builder, day, to.min(end))?,
                false => self.hours_of(builder, day)?,
            };
            day = to;
        }
        Ok(watermark)
    }

    /// Days whose hours are not kept in the end: one hour of each stands for it, and the first for
    /// the durations of all.
    fn days_of(
        &mut self,
        builder: &mut Builder,
        from: Date,
        to: Date,
    ) -> anyhow::Result<Watermark> {
        let days: Vec<(Instant, f64)> = from
            .series(jiff::Span::new().days(1))
            .take_while(|day| *day < to)
            .map(|day| Ok((self.hour(day, 9)?, activity(day))))
            .collect::<anyhow::Result<_>>()?;
        let at = self.hour(to.yesterday()?, 23)?;
        self.round(builder, &days, at)
    }

    fn hours_of(&mut self, builder: &mut Builder, day: Date) -> anyhow::Result<Watermark> {
        let share = activity(day) / f64::from(HOURS.end - HOURS.start);
        let hours: Vec<(Instant, f64)> = HOURS
            .map(|hour| Ok((self.hour(day, hour)?, share)))
            .collect::<anyhow::Result<_>>()?;
        let at = self.hour(day, 23)?;
        self.round(builder, &hours, at)
    }

    fn hour(&self, day: Date, hour: i8) -> anyhow::Result<Instant> {
        Ok(self.zone.moment(&format!("{day}T{hour:02}"))?.from)
    }

    /// Counts parts of time, of which each has its share of a working day.
    fn round(
        &mut self,
        builder: &mut Builder,
        parts: &[(Instant, f64)],
        at: Instant,
    ) -> anyhow::Result<Watermark> {
        for place in 0..self.traffic.len() {
            self.of_line(builder, place, parts)?;
        }
        Ok(builder.apply(at)?)
    }

    fn of_line(
        &mut self,
        builder: &mut Builder,
        place: usize,
        parts: &[(Instant, f64)],
    ) -> anyhow::Result<()> {
        let Some(traffic) = self.traffic.get(place) else {
            return Ok(());
        };
        let mut counters = Vec::new();
        for Share { ending, share } in &self.shares {
            let mut of_ending = Vec::with_capacity(parts.len());
            for (from, activity) in parts {
                let expected = traffic.a_day * activity * share;
                let count = self.dice.poisson(expected);
                if count > 0 {
                    of_ending.push((*from, counted(&mut self.dice, traffic, *ending, count)));
                }
            }
            let count: u64 = of_ending.iter().map(|(_, counter)| counter.count).sum();
            if let (Some((_, first)), true) =
                (of_ending.first_mut(), ending.outcome.is_transaction())
            {
                let shape = self
                    .shapes
                    .get(traffic.shape)
                    .map_or(&[][..], Vec::as_slice);
                first.durations = Some(durations(&mut self.dice, shape, count)?);
            }
            let of_ending = of_ending.into_iter();
            counters.extend(of_ending.map(|(from, counter)| (from, *ending, counter)));
        }
        counters.sort_by_key(|(from, ..)| *from);
        for (from, ending, counter) in &counters {
            builder.add(&traffic.line, *from, *ending, counter)?;
        }
        Ok(())
    }
}

/// How busy a day is, of a working day.
fn activity(day: Date) -> f64 {
    match day.weekday() {
        jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday => WEEKEND,
        _ => 1.0,
    }
}

fn shares() -> Vec<Share> {
    let share = |outcome, fault, share| Share {
        ending: Ending { outcome, fault },
        share,
    };
    vec![
        share(Outcome::Completed, None, 1.0),
        share(Outcome::ProviderError, Some(Fault::Provider), 0.01),
        share(Outcome::Refused, Some(Fault::Consumer), 0.005),
        share(Outcome::TimedOut, Some(Fault::Provider), 0.002),
        share(Outcome::Unreachable, Some(Fault::Provider), 0.001),
        share(Outcome::Cancelled, Some(Fault::Consumer), 0.001),
    ]
}

/// Log-normal around 20 to 150 ms, from which a few in a hundred take much longer.
fn shapes() -> Vec<Vec<(u16, f64)>> {
    const POINTS: u32 = 40_000;
    (0..SHAPES)
        .map(|shape| {
            let mut dice = Dice::seeded(shape as u64);
            let median = 20_000.0 * 1.14_f64.powf(shape as f64);
            let mut buckets: BTreeMap<u16, u32> = BTreeMap::new();
            for _ in 0..POINTS {
                let slow = if dice.unit() < 0.03 { 1.5 } else { 0.0 };
                let micros = median * (dice.normal() * 0.45 + slow).exp();
                let mut one = Histogram::default();
                // One value never overflows.
                if one.record(micros as u64).is_ok() {
                    for (bucket, _) in one.buckets() {
                        *buckets.entry(bucket).or_default() += 1;
                    }
                }
            }
            let share = |count: u32| f64::from(count) / f64::from(POINTS);
            let buckets = buckets.into_iter();
            buckets
                .map(|(bucket, count)| (bucket, share(count)))
                .collect()
        })
        .collect()
}

fn counted(dice: &mut Dice, traffic: &Traffic, ending: Ending, count: u64) -> Counter {
    let sum = |dice: &mut Dice, mean: f64| {
        let (count, spread) = (count as f64, mean * 0.6);
        (count * mean + count.sqrt() * spread * dice.normal()).max(count) as u64
    };
    let answered = ending.outcome.is_transaction();
    let [request, response] = traffic.bytes;
    let measures = traffic
        .measure
        .filter(|_| answered)
        .map(|(name, mean)| (name.to_owned(), sum(dice, mean).into()));
    Counter {
        count,
        request_bytes: sum(dice, request),
        response_bytes: if answered { sum(dice, response) } else { 0 },
        request_messages: count,
        response_messages: if answered { count } else { 0 },
        measures: measures.into_iter().collect(),
        ..Counter::default()
    }
}

/// So many durations, of which the largest is known exactly.
fn durations(dice: &mut Dice, shape: &[(u16, f64)], count: u64) -> anyhow::Result<Histogram> {
    let mut buckets = Vec::with_capacity(shape.len());
    for (bucket, share) in shape {
        let drawn = dice.poisson(share * count as f64);
        if drawn > 0 {
            buckets.push((*bucket, drawn));
        }
    }
    let max = buckets.last().map_or(0, |(bucket, _)| lower_end(*bucket));
    Ok(Histogram::from_parts(buckets, max)?)
}

/// The smallest value of a bucket.
fn lower_end(bucket: u16) -> u64 {
    match (bucket / 16, u64::from(bucket % 16)) {
        (0, value) => value,
        (octave, sub) => (16 + sub) << (octave - 1),
    }
}

/// The local day that an instant lies in.
pub fn day_of(zone: &Zone, at: Instant) -> String {
    zone.label(Granularity::Day, at)
}
