//! Every counter that is kept, one by one: what a recount is held against.

use std::collections::HashMap;

use ndxp_model::{Granularity, Instant, Period};
use ndxp_proto::statistics::v1;

use crate::counter::Counter;
use crate::counts;
use crate::damage::{Damage, StoreError};
use crate::key::LineId;
use crate::line::{Ending, fault_number};
use crate::read::{Reading, Visit};
use crate::view::View;

/// Days as their months tell them.
type Days = HashMap<(LineId, Instant, Ending), Counter>;

const EVER: Period = Period {
    from: Instant::from_micros(i64::MIN),
    to: Instant::from_micros(i64::MAX),
};

/// Visits all counters whose buckets lie within the period, or all: by size of bucket, the total
/// before the lines.
///
/// # Errors
/// When the store is damaged: also when a day that is kept does not agree with its month.
pub fn dump(
    view: &View<'_>,
    within: Option<Period>,
    visit: &mut dyn FnMut(v1::Counter),
) -> Result<(), StoreError> {
    let lines: Vec<LineId> = view.lines().map(|(id, _)| id).collect();
    for granularity in [
        Granularity::All,
        Granularity::Month,
        Granularity::Day,
        Granularity::Hour,
    ] {
        if within.is_some() && granularity == Granularity::All {
            continue;
        }
        for lines in [&[LineId::TOTAL][..], &lines] {
            let period = within.unwrap_or(EVER);
            let mut days = days(view, granularity, period, lines)?;
            let reading = view.reading(granularity, period, true);
            read(&reading, lines, &mut |line, bucket, ending, counter| {
                if let Some(days) = &mut days {
                    agrees(days.remove(&(line, bucket, ending)), counter, bucket)?;
                }
                let ends = view.zone().bucket(granularity, bucket).to;
                if within.is_none_or(|within| ends <= within.to) {
                    visit(dumped(view, line, granularity, bucket, ending, counter));
                }
                Ok(())
            })?;
            if let Some((_, bucket, _)) = days.iter().flat_map(HashMap::keys).next() {
                return Err(disagrees(*bucket));
            }
        }
    }
    Ok(())
}

/// What the months say of the days that are asked for.
fn days(
    view: &View<'_>,
    granularity: Granularity,
    period: Period,
    lines: &[LineId],
) -> Result<Option<Days>, StoreError> {
    if granularity != Granularity::Day {
        return Ok(None);
    }
    let mut days = Days::new();
    let reading = view.reading(granularity, period, false);
    read(&reading, lines, &mut |line, bucket, ending, counter| {
        days.insert((line, bucket, ending), counter.clone());
        Ok(())
    })?;
    Ok(Some(days))
}

fn read(reading: &Reading<'_>, lines: &[LineId], visit: Visit<'_>) -> Result<(), StoreError> {
    match lines {
        [LineId::TOTAL] => reading.line(LineId::TOTAL, visit),
        lines => reading.lines(lines, visit),
    }
}

fn agrees(month: Option<Counter>, day: &Counter, bucket: Instant) -> Result<(), StoreError> {
    let lean = |counter: &Counter| Counter {
        durations: None,
        ..counter.clone()
    };
    match month {
        Some(month) if lean(&month) == lean(day) => Ok(()),
        _ => Err(disagrees(bucket)),
    }
}

fn disagrees(bucket: Instant) -> StoreError {
    let counter = format!("the day of {bucket} in its month");
    Damage::Sum { counter }.into()
}

fn dumped(
    view: &View<'_>,
    id: LineId,
    granularity: Granularity,
    bucket: Instant,
    ending: Ending,
    counter: &Counter,
) -> v1::Counter {
    let line = view.line(id);
    let durations = counter.durations.as_ref();
    let buckets = durations.iter().flat_map(|durations| durations.buckets());
    v1::Counter {
        granularity: granularity.to_string(),
        bucket_us: bucket.as_micros(),
        connection: line.map(|line| line.connection.clone()),
        total: id == LineId::TOTAL,
        outcome: ending.outcome.number().into(),
        count: counter.count,
        request_bytes: counter.request_bytes,
        response_bytes: counter.response_bytes,
        request_messages: counter.request_messages,
        response_messages: counter.response_messages,
        measures: counts::declared(&counter.measures),
        durations: buckets
            .map(|(bucket, count)| v1::HistogramBucket {
                bucket: bucket.into(),
                count,
            })
            .collect(),
        duration_us_max: durations.map_or(0, |durations| durations.max()),
        watermark: view.watermark().sequence.get(),
        first_sequence: counter.first_sequence.get(),
        last_sequence: counter.last_sequence.get(),
        method: line.map_or_else(String::new, |line| line.method.clone()),
        fault: fault_number(ending.fault).into(),
        line_since: view.since(id).get(),
    }
}
