//! Between the contract's types and the names of the house: the one door for both directions.

use ndxp_model::{Connection, Fault, InvalidValue, Outcome};
use ndxp_proto::journal::v1;

/// # Errors
/// When a party or the service does not have its form; in a refusal they may be empty.
pub fn to_connection(connection: &v1::Connection) -> Result<Connection, InvalidValue> {
    Ok(Connection {
        consumer: connection.consumer.parse()?,
        provider: connection.provider.parse()?,
        service: connection.service.parse()?,
    })
}

#[must_use]
pub fn from_connection(connection: &Connection) -> v1::Connection {
    v1::Connection {
        consumer: connection.consumer.to_string(),
        provider: connection.provider.to_string(),
        service: connection.service.to_string(),
    }
}

/// # Errors
/// When the number is none of the closed set; unspecified is none.
pub fn to_outcome(number: i32) -> Result<Outcome, InvalidValue> {
    u8::try_from(number)
        .ok()
        .and_then(Outcome::from_number)
        .ok_or_else(|| invalid("outcome", number, "1 to 7, as in ndxp.journal.v1.Outcome"))
}

#[must_use]
pub fn from_outcome(outcome: Outcome) -> v1::Outcome {
    match outcome {
        Outcome::Completed => v1::Outcome::Completed,
        Outcome::ProviderError => v1::Outcome::ProviderError,
        Outcome::Refused => v1::Outcome::Refused,
        Outcome::Unreachable => v1::Outcome::Unreachable,
        Outcome::TimedOut => v1::Outcome::TimedOut,
        Outcome::Cancelled => v1::Outcome::Cancelled,
        Outcome::Interrupted => v1::Outcome::Interrupted,
    }
}

/// `None` is nobody's fault: the call completed.
///
/// # Errors
/// When the number is none of the contract's.
pub fn to_fault(number: i32) -> Result<Option<Fault>, InvalidValue> {
    match v1::Fault::try_from(number) {
        Ok(v1::Fault::None) => Ok(None),
        Ok(v1::Fault::Consumer) => Ok(Some(Fault::Consumer)),
        Ok(v1::Fault::Hub) => Ok(Some(Fault::Hub)),
        Ok(v1::Fault::Provider) => Ok(Some(Fault::Provider)),
        Err(_) => Err(invalid(
            "fault",
            number,
            "0 to 3, as in ndxp.journal.v1.Fault",
        )),
    }
}

#[must_use]
pub fn from_fault(fault: Option<Fault>) -> v1::Fault {
    match fault {
        None => v1::Fault::None,
        Some(Fault::Consumer) => v1::Fault::Consumer,
        Some(Fault::Hub) => v1::Fault::Hub,
        Some(Fault::Provider) => v1::Fault::Provider,
    }
}

fn invalid(kind: &'static str, number: i32, expected: &'static str) -> InvalidValue {
    InvalidValue {
        kind,
        value: number.to_string(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_comes_back_with_its_number() {
        for outcome in Outcome::ALL {
            let number = i32::from(from_outcome(outcome));
            assert_eq!(number, i32::from(outcome.number()));
            assert_eq!(to_outcome(number), Ok(outcome));
        }
        for number in [-1, 0, 8, 256, 257] {
            assert!(to_outcome(number).is_err(), "{number}");
        }
    }

    #[test]
    fn every_fault_comes_back() {
        for fault in [
            None,
            Some(Fault::Consumer),
            Some(Fault::Hub),
            Some(Fault::Provider),
        ] {
            assert_eq!(to_fault(from_fault(fault).into()), Ok(fault));
        }
        assert!(to_fault(4).is_err());
    }

    #[test]
    fn a_connection_comes_back_and_an_empty_party_is_refused() {
        let connection = v1::Connection {
            consumer: "H26/lgsp".into(),
            provider: "G01/population".into(),
            service: "vn.Population".into(),
        };
        let domain = to_connection(&connection).unwrap();
        assert_eq!(from_connection(&domain), connection);
        let refusal = v1::Connection {
            provider: String::new(),
            ..connection
        };
        assert!(to_connection(&refusal).is_err());
    }
}
