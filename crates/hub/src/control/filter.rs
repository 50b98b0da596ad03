//! Filters and ranges as callers state them, checked once and turned into domain values. Every
//! refusal names the field, the value and the form that is accepted.

use ndxp_model::{Instant, Outcome, Party, Period, ServiceName, TransactionId};
use ndxp_proto::journal::v1;
use tonic::Status;

use super::access::Scope;

/// Which transactions somebody wants and may see.
#[derive(Clone, Debug)]
pub struct Filter {
    scope: Scope,
    consumer: Option<Party>,
    provider: Option<Party>,
    service: Option<ServiceName>,
    outcome: Option<Outcome>,
}

/// Most transactions that one list answers, and how many when none is named.
pub const LIMIT_MAX: u32 = 100_000;
const LIMIT_DEFAULT: u32 = 1_000;

impl Filter {
    /// # Errors
    /// INVALID_ARGUMENT for a value that does not have the form of its field.
    pub fn new(stated: Option<v1::TransactionFilter>, scope: Scope) -> Result<Self, Status> {
        let stated = stated.unwrap_or_default();
        Ok(Self {
            scope,
            consumer: optional("filter.consumer", &stated.consumer)?,
            provider: optional("filter.provider", &stated.provider)?,
            service: optional("filter.service", &stated.service)?,
            outcome: outcome(stated.outcome)?,
        })
    }

    /// Whether a settled transaction is wanted and may be seen.
    #[must_use]
    pub fn matches(&self, closed: &v1::TransactionClosed) -> bool {
        let nowhere = v1::Connection::default();
        let connection = closed.connection.as_ref().unwrap_or(&nowhere);
        let party = |wanted: &Option<Party>, found: &str| {
            wanted.as_ref().is_none_or(|party| party.covers(found))
        };
        self.scope
            .covers(&connection.consumer, &connection.provider)
            && party(&self.consumer, &connection.consumer)
            && party(&self.provider, &connection.provider)
            && self
                .service
                .as_ref()
                .is_none_or(|service| service.as_str() == connection.service)
            && self
                .outcome
                .is_none_or(|outcome| i32::from(outcome.number()) == closed.outcome)
    }
}

/// A half-open range of instants whose ends may be left open with 0.
///
/// # Errors
/// INVALID_ARGUMENT for an end before the epoch, or a range that holds nothing.
pub fn period(from_us: i64, to_us: i64) -> Result<Period, Status> {
    let open = i64::MAX;
    for (field, value) in [("from_us", from_us), ("to_us", to_us)] {
        if value < 0 {
            return Err(Status::invalid_argument(format!(
                "{field} = {value}: is before 1970; write microseconds since the epoch, or 0 to \
                 leave that end open"
            )));
        }
    }
    let to = if to_us == 0 { open } else { to_us };
    if to <= from_us {
        return Err(Status::invalid_argument(format!(
            "from_us = {from_us}, to_us = {to_us}: the range holds nothing; write an end behind \
             its start"
        )));
    }
    Ok(Period {
        from: Instant::from_micros(from_us),
        to: Instant::from_micros(to),
    })
}

/// An instant that may be left out with 0.
///
/// # Errors
/// INVALID_ARGUMENT for one before the epoch.
pub fn as_of(as_of_us: i64) -> Result<Option<Instant>, Status> {
    match as_of_us {
        0 => Ok(None),
        1.. => Ok(Some(Instant::from_micros(as_of_us))),
        _ => Err(Status::invalid_argument(format!(
            "as_of_us = {as_of_us}: is before 1970; write microseconds since the epoch, or 0 for \
             now"
        ))),
    }
}

/// How many transactions to answer at most.
///
/// # Errors
/// INVALID_ARGUMENT above the maximum.
pub fn limit(limit: u32) -> Result<usize, Status> {
    match limit {
        0 => Ok(LIMIT_DEFAULT as usize),
        1..=LIMIT_MAX => Ok(limit as usize),
        _ => Err(Status::invalid_argument(format!(
            "limit = {limit}: the most is {LIMIT_MAX}; ask for a shorter range, or go on behind \
             the last transaction's time"
        ))),
    }
}

/// # Errors
/// INVALID_ARGUMENT for what is no transaction's id.
pub fn transaction_id(text: &str) -> Result<TransactionId, Status> {
    text.parse()
        .map_err(|error| Status::invalid_argument(format!("transaction_id: {error}")))
}

fn optional<T>(field: &str, text: &str) -> Result<Option<T>, Status>
where
    T: std::str::FromStr<Err = ndxp_model::InvalidValue>,
{
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = text.parse().map(Some);
    parsed.map_err(|error| Status::invalid_argument(format!("{field}: {error}")))
}

fn outcome(number: i32) -> Result<Option<Outcome>, Status> {
    if number == 0 {
        return Ok(None);
    }
    let known = u8::try_from(number).ok().and_then(Outcome::from_number);
    known.map(Some).ok_or_else(|| {
        Status::invalid_argument(format!(
            "filter.outcome = {number}: is no outcome; write 1 to 7, or 0 for all"
        ))
    })
}

#[cfg(test)]
mod tests {
    use ndxp_model::MemberCode;

    use super::*;

    fn filter(
        consumer: &str,
        provider: &str,
        service: &str,
        outcome: i32,
    ) -> v1::TransactionFilter {
        v1::TransactionFilter {
            consumer: consumer.to_owned(),
            provider: provider.to_owned(),
            service: service.to_owned(),
            outcome,
        }
    }

    fn closed() -> v1::TransactionClosed {
        v1::TransactionClosed {
            connection: Some(v1::Connection {
                consumer: "H26/lgsp".to_owned(),
                provider: "G01/population".to_owned(),
                service: "a.B".to_owned(),
            }),
            outcome: 1,
            ..Default::default()
        }
    }

    #[test]
    fn all_conditions_must_hold() {
        let rows = [
            (filter("", "", "", 0), true),
            (filter("H26", "G01/population", "a.B", 1), true),
            (filter("H26/lgsp", "G01", "", 0), true),
            (filter("H27", "", "", 0), false),
            (filter("H26/other", "", "", 0), false),
            (filter("", "H26", "", 0), false),
            (filter("", "", "a.C", 0), false),
            (filter("", "", "", 2), false),
        ];
        for (stated, matches) in rows {
            let text = format!("{stated:?}");
            let filter = Filter::new(Some(stated), Scope::Everything).unwrap();
            assert_eq!(filter.matches(&closed()), matches, "{text}");
        }
    }

    #[test]
    fn a_member_sees_only_what_it_is_a_party_to() {
        for (member, sees) in [
            ("H26", true),
            ("G01", true),
            ("H27", false),
            ("H26.1", false),
        ] {
            let member: MemberCode = member.parse().unwrap();
            let filter = Filter::new(None, Scope::Own(member.clone())).unwrap();
            assert_eq!(filter.matches(&closed()), sees, "{member}");
            assert!(
                !filter.matches(&v1::TransactionClosed::default()),
                "{member}"
            );
        }
    }

    #[track_caller]
    fn check_refused<T>(result: Result<T, Status>, parts: &[&str]) {
        let status = result.err().expect("refused");
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        for part in parts {
            assert!(status.message().contains(part), "{}", status.message());
        }
    }

    #[test]
    fn what_is_malformed_is_refused_by_field_value_and_form() {
        let all = || Scope::Everything;
        let new = |stated| Filter::new(Some(stated), all());
        check_refused(
            new(filter("h26", "", "", 0)),
            &["filter.consumer", "\"h26\"", "such as H26"],
        );
        check_refused(
            new(filter("", "G01/", "", 0)),
            &["filter.provider", "\"G01/\""],
        );
        check_refused(
            new(filter("", "", "a/b", 0)),
            &["filter.service", "\"a/b\""],
        );
        check_refused(
            new(filter("", "", "", 8)),
            &["filter.outcome = 8", "1 to 7"],
        );
        check_refused(new(filter("", "", "", -1)), &["filter.outcome = -1"]);
        check_refused(period(-1, 0), &["from_us = -1", "since the epoch"]);
        check_refused(period(0, -1), &["to_us = -1"]);
        check_refused(period(5, 5), &["from_us = 5, to_us = 5", "holds nothing"]);
        check_refused(as_of(-1), &["as_of_us = -1"]);
        check_refused(limit(100_001), &["limit = 100001", "100000"]);
        check_refused(transaction_id("x"), &["transaction_id", "\"x\"", "UUIDv7"]);
    }

    #[test]
    fn zeroes_leave_ends_and_limits_open() {
        let whole = period(0, 0).unwrap();
        assert_eq!(
            (whole.from, whole.to),
            (Instant::EPOCH, Instant::from_micros(i64::MAX))
        );
        assert_eq!(period(3, 0).unwrap().from, Instant::from_micros(3));
        assert_eq!(as_of(0).unwrap(), None);
        assert_eq!(limit(0).unwrap(), 1_000);
        assert_eq!(limit(100_000).unwrap(), 100_000);
    }
}
