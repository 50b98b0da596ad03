//! Answers to questions about counts, whole: rows, total and the proof that goes with them.

use ndxp_counters::{Answer, CountQuery, Counters, Names};
use ndxp_model::{Instant, Party, Period, Zone};
use ndxp_proto::statistics::v1::{CountRequest, CountResponse, CountRow, Proof};

use crate::ReportError;

/// Answers a `CountRequest` from the counters as they stand; waiting for a sequence is the
/// caller's affair. `party` narrows the answer to the connections of one party, `names` are those
/// of the registry, `now` is the hub's clock: what lies ahead of it cannot be asked for.
///
/// # Errors
/// When the dimension is not known, the period does not lie on whole hours, or the counters
/// cannot answer.
pub fn count(
    counters: &Counters,
    request: &CountRequest,
    party: Option<Party>,
    names: &dyn Names,
    zone: &Zone,
    _now: Instant,
) -> Result<CountResponse, ReportError> {
    let unknown = |_| ReportError::UnknownDimension(request.by);
    let by = request.by.try_into().map_err(unknown)?;
    let period = Period {
        from: Instant::from_micros(request.from_us),
        to: match request.to_us {
            0 => Instant::from_micros(i64::MAX),
            to_us => Instant::from_micros(to_us),
        },
    };
    let query = CountQuery {
        period,
        by: ndxp_counters::Dimension::of(by),
        party,
        by_successor: request.by_successor,
    };
    let answer = counters.count(&query, names)?;
    let proof = proof_of(&answer, period, zone);
    let rows = answer.rows.into_iter().map(|(key, counts)| CountRow {
        key,
        counts: Some((&counts).into()),
        ..CountRow::default()
    });
    Ok(CountResponse {
        rows: rows.collect(),
        total: Some((&answer.total).into()),
        proof: Some(proof),
        by_successor: request.by_successor,
        ..CountResponse::default()
    })
}

/// The proof of an answer. A period without an end is never closed, and ends as 0: until now.
pub(crate) fn proof_of(answer: &Answer, period: Period, zone: &Zone) -> Proof {
    let open_end = period.to == Instant::from_micros(i64::MAX);
    Proof {
        from_us: period.from.as_micros(),
        to_us: if open_end { 0 } else { period.to.as_micros() },
        time_zone: zone.name().to_owned(),
        watermark: answer.watermark.sequence.get(),
        watermark_at_us: answer.watermark.at.as_micros(),
        first_sequence: answer.first_sequence.get(),
        last_sequence: answer.last_sequence.get(),
        closed: !open_end && answer.watermark.at >= period.to,
        cut_off_us: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndxp_counters::Watermark;
    use ndxp_model::Sequence;

    #[test]
    fn a_number_is_final_once_the_journals_time_has_reached_the_periods_end() {
        let end = Instant::from_micros(3_600_000_000);
        let open = Instant::from_micros(i64::MAX);
        let rows = [
            (0, end, false),
            (3_599_999_999, end, false),
            (3_600_000_000, end, true),
            (3_600_000_001, end, true),
            (3_600_000_001, open, false),
        ];
        for (at, to, closed) in rows {
            let answer = Answer {
                watermark: Watermark {
                    sequence: Sequence::new(9),
                    at: Instant::from_micros(at),
                },
                ..Answer::default()
            };
            let period = Period {
                from: Instant::EPOCH,
                to,
            };
            let proof = proof_of(&answer, period, &Zone::viet_nam());
            assert_eq!(proof.closed, closed, "journal at {at}, period to {to}");
            assert_eq!(proof.to_us == 0, to == open);
        }
    }
}
