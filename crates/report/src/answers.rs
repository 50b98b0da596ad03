//! Answers to questions about counts, whole: rows, total, what was counted, and the proof that goes
//! with them. The one place where counts are asked.

use ndxp_baseline::OpeningSum;
use ndxp_counters::{
    Answer, CountQuery, Counters, CountersError, Counts, Dimension, Names, Rank, top,
};
use ndxp_model::{Instant, Party, Period, Zone};
use ndxp_proto::statistics::v1::{
    CountRequest, CountResponse, CountRow, Counts as CountsMessage, Distinct, Opening, Proof,
};

use crate::ReportError;
use crate::meaning::meaning;
use crate::openings;
use crate::request::Question;

/// Answers a `CountRequest` from the counters as they stand; waiting for a sequence is the
/// caller's affair. `party` narrows the answer to the connections of one party, `names` are those
/// of the registry, `now` is the hub's clock: what lies ahead of it cannot be asked for.
///
/// # Errors
/// When the request cannot be answered as it stands, with the field, the value and the remedy, or
/// when the counters cannot answer.
pub fn count(
    counters: &Counters,
    request: &CountRequest,
    party: Option<Party>,
    names: &dyn Names,
    zone: &Zone,
    now: Instant,
) -> Result<CountResponse, ReportError> {
    let Question { query, top } = {
        let question = Question::of(request, party, zone, now)?;
        if !request.with_baselines {
            question.check_launch(counters.launched()?, zone)?;
        }
        question
    };
    let mut answer = counters.count(&query, names)?;
    let rows = std::mem::take(&mut answer.rows);
    let (rows, opening) = match request.with_baselines {
        true => with_balances(counters, rows, &query, &answer, names, zone)?,
        false => (rows.into_iter().map(alone).collect(), None),
    };
    let (rows, others) = match top {
        Some(most) => {
            let parted = top_of(rows, most);
            (parted.rows, parted.others)
        }
        None => (rows, Vec::new()),
    };
    let others_rows = u64::try_from(others.len()).unwrap_or(u64::MAX);
    let proof = proof_of(&answer, query.period, zone);
    let absent = answer.total.durations_absent;
    Ok(CountResponse {
        rows: rows
            .into_iter()
            .map(|(key, row)| {
                let title = title(query.by, &key, names);
                CountRow {
                    title,
                    ..row.message(key)
                }
            })
            .collect(),
        total: Some((&answer.total).into()),
        proof: Some(proof),
        definition: Some(meaning(&query)),
        others: sum_of(others)?.map(|row| row.message(String::new())),
        others_rows,
        distinct: answer.distinct.map(|distinct| Distinct {
            consumers: distinct.consumers,
            providers: distinct.providers,
            systems: distinct.systems,
            members: distinct.members,
        }),
        by_successor: query.by_successor,
        opening,
        durations_absent: absent.map_or("", |why| why.as_str()).to_owned(),
    })
}

/// The rows with the opening balances that belong to them, before the top is taken, and their total.
/// Balances are asked for after the counts, so that they hold all that the counts' watermark does.
fn with_balances(
    counters: &Counters,
    rows: Vec<(String, Counts)>,
    query: &CountQuery,
    answer: &Answer,
    names: &dyn Names,
    zone: &Zone,
) -> Result<(Vec<(String, Row)>, Option<Opening>), ReportError> {
    let balances = counters.balances()?;
    let mut sums = openings::openings(&balances, query, answer, names, zone)?;
    let rows = match query.by {
        Some(_) => openings::joined(rows, &mut sums),
        None => Vec::new(),
    };
    let rows = rows.into_iter().map(|(key, (counts, opening))| {
        let opening = Some(opening);
        (key, Row { counts, opening })
    });
    Ok((rows.collect(), Some(openings::total(sums))))
}

/// A row of a question that is not about opening balances.
fn alone((key, counts): (String, Counts)) -> (String, Row) {
    let opening = None;
    (key, Row { counts, opening })
}

/// A row in the making: what was counted, and what else stands beside it.
#[derive(Clone, Debug, Default)]
struct Row {
    counts: Counts,
    /// Where opening balances are asked for.
    opening: Option<OpeningSum>,
}

impl Row {
    fn message(self, key: String) -> CountRow {
        CountRow {
            key,
            counts: Some(CountsMessage::from(&self.counts)),
            opening: self.opening.map(Into::into),
            ..CountRow::default()
        }
    }

    fn add(&mut self, other: &Self) -> Result<(), ReportError> {
        self.counts
            .merge(&other.counts)
            .map_err(CountersError::from)?;
        if let Some(opening) = &other.opening {
            let sum = self.opening.get_or_insert_with(OpeningSum::default);
            sum.merge(opening)?;
        }
        Ok(())
    }

    /// Transactions, those of balances with them, then attempts.
    fn rank(&self) -> Rank {
        let opening = self.opening.as_ref().map_or(0, |it| it.transactions);
        let transactions = u128::from(self.counts.transactions()) + u128::from(opening);
        (transactions, self.counts.attempts().into())
    }
}

fn top_of(rows: Vec<(String, Row)>, most: usize) -> ndxp_counters::Top<Row> {
    top(rows, most, Row::rank)
}

/// Nothing of nothing.
fn sum_of(rows: Vec<(String, Row)>) -> Result<Option<Row>, ReportError> {
    let mut sum = None;
    for (_, row) in rows {
        sum.get_or_insert_with(Row::default).add(&row)?;
    }
    Ok(sum)
}

/// How the registry calls what a row is about, where that is one member or system.
fn title(by: Option<Dimension>, key: &str, names: &dyn Names) -> String {
    match by {
        Some(
            Dimension::Consumer
            | Dimension::Provider
            | Dimension::ConsumerMember
            | Dimension::ProviderMember,
        ) => names.title(key).unwrap_or_default(),
        _ => String::new(),
    }
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
