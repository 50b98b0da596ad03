//! The figures of the monthly report, asked of the counters and of the registry's history for
//! one cut-off.

use std::collections::BTreeMap;

use ndxp_counters::{Answer, CountQuery, Counters, NoNames};
use ndxp_model::{Instant, Period, SystemId, Zone};
use ndxp_proto::registry::v1::{MemberClass, System, SystemKind};
use ndxp_proto::statistics::v1::{Figure, Proof};
use ndxp_registry::Registry;

use crate::ReportError;
use crate::answers::proof_of;
use crate::cut_off::Periods;
use crate::names::{self, Definition};
use crate::stock::{Coverage, Stock};

/// Every figure of the report on a calendar month (`2022-07`; without one, the month of the
/// cut-off), in the order of [`crate::DEFINITIONS`].
///
/// `registry` is the registry as it stood at the cut-off: the fold of what was committed before
/// it. A cut-off within the running hour or ahead of it takes the end of the running hour.
///
/// # Errors
/// When the month or the cut-off cannot be asked for, or the counters cannot answer.
pub fn figures(
    counters: &Counters,
    registry: &Registry,
    zone: &Zone,
    month: Option<&str>,
    as_of: Instant,
    now: Instant,
) -> Result<Vec<Figure>, ReportError> {
    let periods = Periods::of(zone, month, as_of, now)?;
    // The narrower first: while calls go on, no part may exceed its whole.
    let month = Counted::ask(counters, periods.month, zone)?;
    let year_to_date = Counted::ask(counters, periods.year_to_date, zone)?;
    let since_launch = Counted::ask(counters, periods.since_launch, zone)?;
    let stock = connected(counters, registry, periods.since_launch.to)?;
    let counts = Counts {
        month,
        year_to_date,
        days_of_year: periods.days_of_year,
        since_launch,
    };
    let last_sequence = registry.watermark().get();
    Ok(assemble(&counts, &stock, last_sequence))
}

/// How many transactions a period held.
#[derive(Clone, Debug)]
struct Counted {
    transactions: u64,
    proof: Proof,
}

/// What was counted for a report.
struct Counts {
    month: Counted,
    year_to_date: Counted,
    days_of_year: u64,
    since_launch: Counted,
}

impl Counted {
    fn ask(counters: &Counters, period: Period, zone: &Zone) -> Result<Self, ReportError> {
        let query = CountQuery {
            period,
            ..CountQuery::since_launch()
        };
        let answer: Answer = counters.count(&query, &NoNames)?;
        Ok(Self {
            transactions: answer.total.transactions(),
            proof: proof_of(&answer, period, zone),
        })
    }

    fn value(&self) -> (u64, &Proof) {
        (self.transactions, &self.proof)
    }
}

fn connected(
    counters: &Counters,
    registry: &Registry,
    cut_off: Instant,
) -> Result<Stock, ReportError> {
    let first = counters.first_transaction_of()?;
    let first: BTreeMap<String, Instant> = first.into_iter().collect();
    let before_cut_off = |at: &Instant| *at < cut_off;
    let has_connected = |system: &System| {
        let handshake = system
            .id
            .parse()
            .ok()
            .and_then(|id: SystemId| registry.connected_at(&id));
        let transaction = first.get(&system.id).copied();
        [handshake, transaction]
            .iter()
            .flatten()
            .any(before_cut_off)
    };
    Ok(Stock::of(
        registry.members(),
        registry.systems(),
        has_connected,
    ))
}

/// Pure: the figures from what was counted, in the order of [`DEFINITIONS`]. A stock rests on
/// every entry up to `last_sequence`.
///
/// [`DEFINITIONS`]: crate::DEFINITIONS
fn assemble(counts: &Counts, stock: &Stock, last_sequence: u64) -> Vec<Figure> {
    let (year, days) = (&counts.year_to_date, counts.days_of_year);
    let per_day = Counted {
        transactions: year.transactions.checked_div(days).unwrap_or(0),
        proof: year.proof.clone(),
    };
    let stock_proof = Proof {
        first_sequence: last_sequence.min(1),
        last_sequence,
        ..counts.since_launch.proof.clone()
    };
    let systems = |kind| (stock.systems(kind), &stock_proof);
    let with_lgsp = |class| (stock.members_with_lgsp(class), &stock_proof);
    vec![
        number(names::TRANSACTIONS_MONTH, counts.month.value()),
        number(
            names::TRANSACTIONS_SINCE_LAUNCH,
            counts.since_launch.value(),
        ),
        number(names::TRANSACTIONS_YEAR_TO_DATE, year.value()),
        number(names::TRANSACTIONS_PER_DAY, per_day.value()),
        coverage(names::MEMBERS_CONNECTED, (stock.members(), &stock_proof)),
        number(names::SYSTEMS_LGSP, systems(SystemKind::Lgsp)),
        number(names::SYSTEMS_DATABASE, systems(SystemKind::Database)),
        number(
            names::SYSTEMS_INFORMATION_SYSTEM,
            systems(SystemKind::InformationSystem),
        ),
        coverage(names::COVERAGE_MINISTRIES, with_lgsp(MemberClass::Ministry)),
        coverage(names::COVERAGE_PROVINCES, with_lgsp(MemberClass::Province)),
    ]
}

fn number(definition: Definition, (value, proof): (u64, &Proof)) -> Figure {
    Figure {
        name: definition.name.to_owned(),
        definition_vi: definition.definition_vi.to_owned(),
        definition_en: definition.definition_en.to_owned(),
        value,
        out_of: 0,
        missing: Vec::new(),
        proof: Some(proof.clone()),
        ..Figure::default()
    }
}

fn coverage(definition: Definition, (coverage, proof): (Coverage, &Proof)) -> Figure {
    Figure {
        out_of: coverage.registered,
        missing: coverage.missing,
        ..number(definition, (coverage.connected, proof))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(transactions: u64) -> Counted {
        let proof = Proof::default();
        Counted {
            transactions,
            proof,
        }
    }

    #[track_caller]
    fn check_per_day(transactions: u64, days_of_year: u64, wanted: u64) {
        let counts = Counts {
            month: counted(0),
            year_to_date: counted(transactions),
            days_of_year,
            since_launch: counted(u64::MAX),
        };
        let stock = Stock::of(Vec::new(), Vec::new(), |_| true);
        let figures = assemble(&counts, &stock, 0);
        let per_day = names::TRANSACTIONS_PER_DAY.name;
        let figure = figures.iter().find(|it| it.name == per_day).unwrap();
        assert_eq!(
            figure.value, wanted,
            "{transactions} in {days_of_year} days"
        );
    }

    #[test]
    fn an_average_counts_begun_days_and_is_rounded_down() {
        check_per_day(343_907_138, 203, 1_694_123);
        check_per_day(180_919_031, 365, 495_668);
        check_per_day(202, 203, 0);
        check_per_day(203, 203, 1);
        check_per_day(u64::MAX, 1, u64::MAX);
        check_per_day(5, 0, 0);
    }
}
