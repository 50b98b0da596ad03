//! Opening balances beside counts: the same question, asked of what a previous platform counted, so
//! that it joins the same rows.

use ndxp_baseline::{Balances, InTotal, OpeningSum, Question, Span, Sums, Window};
use ndxp_counters::{Answer, CountQuery, Counts, Filter, Lens, Names, row_of_period};
use ndxp_model::{Period, Zone};
use ndxp_proto::journal::v1::Connection;
use ndxp_proto::statistics::v1::Opening;

use crate::ReportError;

/// What of the balances belongs to the question, as of the sequence that the answer includes.
///
/// # Errors
/// When a sum is too large to be counted.
pub(crate) fn openings(
    balances: &Balances,
    query: &CountQuery,
    answer: &Answer,
    names: &dyn Names,
    zone: &Zone,
) -> Result<Sums, ReportError> {
    let Filter {
        method,
        outcome,
        fault,
        ..
    } = &query.filter;
    let is_told = method.is_none() && outcome.is_none() && fault.is_none();
    // Whose connections could hold what is asked, whatever the method.
    let query = CountQuery {
        filter: Filter {
            method: None,
            ..query.filter.clone()
        },
        ..query.clone()
    };
    let lens = Lens::new(&query, names);
    let key_of = |connection: &Connection| {
        let seen = lens.see(connection, "")?;
        Some(lens.row(&seen).unwrap_or_else(no_key))
    };
    let by = query.by;
    let bucket_of = |span: Span| {
        let (by, from, to) = (by?, span.from?, span.to?);
        let (from, to) = (from.start(zone), to.start(zone));
        row_of_period(by, zone, Period { from, to })
    };
    let is_by_time = by.is_some_and(|by| !by.is_by_name());
    let question = Question {
        window: Window::of(query.period, zone),
        through: answer.watermark.sequence,
        key_of: &key_of,
        in_total: match (&query.party, query.filter.is_by_name()) {
            (Some(_), _) => InTotal::Hidden,
            (None, true) => InTotal::LeftOut,
            (None, false) => InTotal::Counted,
        },
        is_told,
        bucket_of: is_by_time.then_some(&bucket_of),
    };
    Ok(balances.sum(&question)?)
}

/// The rows of counts with what belongs to each, and rows of their own for what was never counted
/// here. In the order of the keys, as they came.
pub(crate) fn joined(
    rows: Vec<(String, Counts)>,
    sums: &mut Sums,
) -> Vec<(String, (Counts, OpeningSum))> {
    let mut openings = std::mem::take(&mut sums.rows);
    let mut joined: Vec<_> = rows
        .into_iter()
        .map(|(key, counts)| {
            let opening = openings.remove(&key).unwrap_or_default();
            (key, (counts, opening))
        })
        .collect();
    if !openings.is_empty() {
        let alone = openings.into_iter();
        joined.extend(alone.map(|(key, opening)| (key, (Counts::default(), opening))));
        joined.sort_by(|(one, _), (other, _)| one.cmp(other));
    }
    joined
}

/// The total of an answer.
pub(crate) fn total(sums: Sums) -> Opening {
    Opening {
        left_out: sums.left_out,
        ..sums.total.into()
    }
}

fn no_key() -> String {
    ndxp_baseline::NO_KEY.to_owned()
}
