//! Period expressions.

use ndxp_model::expression::{between, cut_off, period, text};
use ndxp_model::{Granularity, Instant, Period, Zone};

use crate::check_error;

/// In microseconds: a day of 2022, the epoch, and the ends of what an instant can say.
const NOWS: [i64; 5] = [
    1_658_456_400_000_000,
    0,
    253_300_000_000_000_000,
    i64::MAX,
    i64::MIN,
];
/// The calendar of periods has the years 1970 to 9998, here as Viet Nam's clocks began and end them;
/// words reach beyond.
const CALENDAR: std::ops::RangeInclusive<i64> = -28_800_000_000..=253_370_739_600_000_000;

/// The first byte chooses what time it is. A period holds something and has begun; the text of one
/// on whole hours names it again.
pub fn expression(data: &[u8]) {
    let Some((choice, expression)) = data.split_first() else {
        return;
    };
    let Ok(expression) = std::str::from_utf8(expression) else {
        return;
    };
    let choice = usize::from(*choice) % NOWS.len();
    let now = NOWS.get(choice).copied().map(Instant::from_micros);
    let now = now.unwrap_or(Instant::EPOCH);
    let zone = Zone::viet_nam();
    match period(expression, now, &zone) {
        Ok(open) => {
            assert!(open.from.is_none_or(|from| from <= now));
            if let (Some(from), Some(to)) = (open.from, open.to) {
                assert!(from < to, "{from} to {to}");
                again(Period { from, to }, now, &zone);
            }
        }
        Err(error) => check_error(&error),
    }
    if let Err(error) = cut_off(expression, now, &zone) {
        check_error(&error);
    }
    let (from, to) = expression.split_once(' ').unwrap_or((expression, ""));
    match between(Some(from), (!to.is_empty()).then_some(to), now, &zone) {
        Ok(open) => assert!(open.from.zip(open.to).is_none_or(|(from, to)| from < to)),
        Err(error) => check_error(&error),
    }
    date(expression, &zone);
}

fn again(found: Period, now: Instant, zone: &Zone) {
    if ![found.from, found.to]
        .iter()
        .all(|end| CALENDAR.contains(&end.as_micros()))
    {
        return;
    }
    let name = text(found, zone);
    let named = period(&name, now, zone).map(|open| open.from.zip(open.to));
    assert_eq!(named, Ok(Some((found.from, found.to))), "{name}");
}

/// The narrower language of dates in catalogues: what is accepted is written back in one form.
fn date(text: &str, zone: &Zone) {
    match zone.moment(text) {
        Ok(named) => {
            let sizes = [Granularity::Month, Granularity::Day, Granularity::Hour];
            let mut labels = sizes.map(|size| zone.label(size, named.from)).to_vec();
            labels.push(zone.week_label(named.from));
            labels.push(format!("{}:00", zone.label(Granularity::Hour, named.from)));
            assert!(
                labels.iter().any(|label| label == text),
                "{text} is none of {labels:?}"
            );
        }
        Err(error) => check_error(&error),
    }
}
