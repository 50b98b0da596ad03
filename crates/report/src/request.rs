//! A `CountRequest` read: what came over the wire, or from a command line, becomes a question to the
//! counters once. Every refusal names the field, the value and the remedy.

use std::fmt;

use ndxp_counters::{CountQuery, DASH, Dimension, Filter, Side};
use ndxp_model::{
    Fault, Granularity, Instant, InvalidValue, MemberClass, Outcome, Party, Period, SystemKind,
    Zone,
};
use ndxp_proto::registry::v1 as registry;
use ndxp_proto::statistics::v1::{CountFilter, CountRequest, Dimension as Number};

/// Rows of a breakdown with others summed up: more are asked for without.
pub const TOP_MAX: u32 = 10_000;
/// As of a service's name; a method's is seldom longer than forty.
const METHOD_BYTES_MAX: usize = 255;
/// Behind the year 9998, where the calendar of periods ends.
const FAR: Instant = Instant::from_micros(253_370_764_800_000_000);
const OPEN: Instant = Instant::from_micros(i64::MAX);

const FAULTS: [(&str, Option<Fault>); 4] = [
    ("none", None),
    ("consumer", Some(Fault::Consumer)),
    ("hub", Some(Fault::Hub)),
    ("provider", Some(Fault::Provider)),
];

/// What a request asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Question {
    pub query: CountQuery,
    /// How many rows, where the others are to be summed up.
    pub top: Option<usize>,
}

/// A request that cannot be answered as it stands.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    #[error(
        "{field} = {at}: lies outside the years 1970 to 9998; write microseconds since the epoch, \
         or 0 to leave that end open"
    )]
    Absurd { field: &'static str, at: i64 },
    #[error(
        "from_us = {from}, to_us = {to}: the range holds nothing; write an end behind its start"
    )]
    Reversed { from: Moment, to: Moment },
    #[error(
        "{field} = {at}: is not on a whole hour; counts are kept by whole hours, so write {before} \
         or {after}"
    )]
    NotWholeHour {
        field: &'static str,
        at: Moment,
        before: Moment,
        after: Moment,
    },
    #[error("from_us = {from}: lies ahead of now, {now}; ask for a period that has begun")]
    Ahead { from: Moment, now: Moment },
    #[error(
        "to_us = {to}: the platform was launched at {launched}, and nothing was counted before; \
         ask for a later end, or with opening balances"
    )]
    BeforeLaunch { to: Moment, launched: Moment },
    #[error("by = {0}: dimension number {0} is not known; use one of statistics.v1.Dimension")]
    UnknownDimension(i32),
    #[error("top = {top}: the most is {TOP_MAX}; write at most that, or 0 for all rows")]
    TopTooLarge { top: u32 },
    #[error(
        "top = {top}: a breakdown by {by} has its rows in the order of time; leave top out, or \
         break down by something else"
    )]
    TopOfTime { top: u32, by: Dimension },
    #[error("{field} = {number}: is no number of {of}; write {numbers}, or 0 for all")]
    UnknownNumber {
        field: &'static str,
        number: i32,
        of: &'static str,
        numbers: &'static str,
    },
    #[error(
        "filter.fault = {0:?}: is no side at fault; write none, consumer, hub or provider, or \
         leave it empty for all"
    )]
    UnknownFault(String),
    #[error("filter.method: the name of a method has at most {METHOD_BYTES_MAX} bytes, not {0}")]
    MethodTooLong(usize),
    #[error("{field}: {source}")]
    Name {
        field: &'static str,
        source: InvalidValue,
    },
}

/// An instant as a person reads it: in local time, with the zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Moment(String);

impl Moment {
    pub(crate) fn of(zone: &Zone, at: Instant) -> Self {
        let local = zone.local(at);
        let format = match (local.second(), local.subsec_nanosecond()) {
            (0, 0) => "%Y-%m-%dT%H:%M",
            _ => "%Y-%m-%dT%H:%M:%S%.f",
        };
        Self(format!("{} {}", local.strftime(format), zone.name()))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Whether a request can be asked at all, before anything is waited for.
///
/// # Errors
/// As [`crate::count`] has for the request itself.
pub fn check(request: &CountRequest, zone: &Zone, now: Instant) -> Result<(), RequestError> {
    Question::of(request, None, zone, now).map(drop)
}

impl Question {
    /// Reads the request of an asker who sees the connections of `party`, or all.
    ///
    /// # Errors
    /// For the first field that cannot be answered.
    pub(crate) fn of(
        request: &CountRequest,
        party: Option<Party>,
        zone: &Zone,
        now: Instant,
    ) -> Result<Self, RequestError> {
        let by = Number::try_from(request.by)
            .map_err(|_| RequestError::UnknownDimension(request.by))
            .map(Dimension::of)?;
        let query = CountQuery {
            period: period(request, zone, now)?,
            by,
            party,
            filter: filter(request.filter.as_ref())?,
            by_successor: request.by_successor,
            distinct: request.with_distinct,
            durations: !request.without_durations,
        };
        let top = top(request.top, by)?;
        Ok(Self { query, top })
    }

    /// Refuses a period that was over when the platform began, where nothing else is told of it
    /// than what the platform counted.
    ///
    /// # Errors
    /// When it was.
    pub(crate) fn check_launch(
        &self,
        launched: Option<Instant>,
        zone: &Zone,
    ) -> Result<(), RequestError> {
        let to = self.query.period.to;
        match launched {
            Some(launched) if to <= launched => Err(RequestError::BeforeLaunch {
                to: Moment::of(zone, to),
                launched: Moment::of(zone, launched),
            }),
            _ => Ok(()),
        }
    }
}

fn period(request: &CountRequest, zone: &Zone, now: Instant) -> Result<Period, RequestError> {
    for (field, at) in [("from_us", request.from_us), ("to_us", request.to_us)] {
        let end = Instant::from_micros(at);
        if end < Instant::EPOCH || end >= FAR {
            return Err(RequestError::Absurd { field, at });
        }
        let hour = zone.bucket(Granularity::Hour, end);
        if at != 0 && hour.from != end {
            return Err(RequestError::NotWholeHour {
                field,
                at: Moment::of(zone, end),
                before: Moment::of(zone, hour.from),
                after: Moment::of(zone, hour.to),
            });
        }
    }
    let from = Instant::from_micros(request.from_us);
    let to = match request.to_us {
        0 => OPEN,
        to_us => Instant::from_micros(to_us),
    };
    if to <= from {
        return Err(RequestError::Reversed {
            from: Moment::of(zone, from),
            to: Moment::of(zone, to),
        });
    }
    if now < from {
        return Err(RequestError::Ahead {
            from: Moment::of(zone, from),
            now: Moment::of(zone, now),
        });
    }
    Ok(Period { from, to })
}

fn top(top: u32, by: Option<Dimension>) -> Result<Option<usize>, RequestError> {
    match (top, by) {
        (0, _) | (_, None) => Ok(None),
        (_, Some(by)) if by.is_by_time() => Err(RequestError::TopOfTime { top, by }),
        _ if top > TOP_MAX => Err(RequestError::TopTooLarge { top }),
        _ => Ok(usize::try_from(top).ok()),
    }
}

fn filter(stated: Option<&CountFilter>) -> Result<Filter, RequestError> {
    let Some(stated) = stated else {
        return Ok(Filter::default());
    };
    let fault = FAULTS.iter().find(|(name, _)| *name == stated.fault);
    if fault.is_none() && !stated.fault.is_empty() {
        let shown = stated.fault.chars().take(80).collect();
        return Err(RequestError::UnknownFault(shown));
    }
    if stated.method.len() > METHOD_BYTES_MAX {
        return Err(RequestError::MethodTooLong(stated.method.len()));
    }
    let service = match stated.service.as_str() {
        "" => None,
        DASH => Some(String::new()),
        name => Some(parsed::<ndxp_model::ServiceName>("filter.service", name)?.to_string()),
    };
    let method = match stated.method.as_str() {
        "" => None,
        DASH => Some(String::new()),
        name => Some(name.to_owned()),
    };
    Ok(Filter {
        consumer: side("filter.consumer", &stated.consumer)?,
        provider: side("filter.provider", &stated.provider)?,
        service,
        method,
        kind: kind(stated.kind)?,
        class: class(stated.class)?,
        outcome: outcome(stated.outcome)?,
        fault: fault.map(|(_, fault)| *fault),
    })
}

fn side(field: &'static str, name: &str) -> Result<Option<Side>, RequestError> {
    Ok(match name {
        "" => None,
        DASH => Some(Side::Unknown),
        name => Some(Side::Party(parsed(field, name)?)),
    })
}

fn parsed<T: std::str::FromStr<Err = InvalidValue>>(
    field: &'static str,
    text: &str,
) -> Result<T, RequestError> {
    let named = |source| RequestError::Name { field, source };
    text.parse().map_err(named)
}

fn kind(number: i32) -> Result<Option<SystemKind>, RequestError> {
    match registry::SystemKind::try_from(number) {
        Ok(registry::SystemKind::Unspecified) => Ok(None),
        Ok(registry::SystemKind::Lgsp) => Ok(Some(SystemKind::Lgsp)),
        Ok(registry::SystemKind::Database) => Ok(Some(SystemKind::Database)),
        Ok(registry::SystemKind::InformationSystem) => Ok(Some(SystemKind::InformationSystem)),
        Err(_) => Err(RequestError::UnknownNumber {
            field: "filter.kind",
            number,
            of: "registry.v1.SystemKind",
            numbers: "1 (lgsp), 2 (database) or 3 (information_system)",
        }),
    }
}

fn class(number: i32) -> Result<Option<MemberClass>, RequestError> {
    match registry::MemberClass::try_from(number) {
        Ok(registry::MemberClass::Unspecified) => Ok(None),
        Ok(registry::MemberClass::Province) => Ok(Some(MemberClass::Province)),
        Ok(registry::MemberClass::Ministry) => Ok(Some(MemberClass::Ministry)),
        Ok(registry::MemberClass::Agency) => Ok(Some(MemberClass::Agency)),
        Ok(registry::MemberClass::Enterprise) => Ok(Some(MemberClass::Enterprise)),
        Err(_) => Err(RequestError::UnknownNumber {
            field: "filter.class",
            number,
            of: "registry.v1.MemberClass",
            numbers: "1 (province), 2 (ministry), 3 (agency) or 4 (enterprise)",
        }),
    }
}

fn outcome(number: i32) -> Result<Option<Outcome>, RequestError> {
    if number == 0 {
        return Ok(None);
    }
    let outcome = u8::try_from(number).ok().and_then(Outcome::from_number);
    outcome.map(Some).ok_or(RequestError::UnknownNumber {
        field: "filter.outcome",
        number,
        of: "journal.v1.Outcome",
        numbers: "1 (completed) to 7 (interrupted)",
    })
}

#[cfg(test)]
mod tests;
