//! The figures out of the answers: pure, so that every rule is a table of numbers.

use ndxp_model::Period;
use ndxp_proto::registry::v1::{MemberClass, SystemKind};
use ndxp_proto::statistics::v1::{
    Comparison, ComparisonKind, CountResponse, Distinct, Figure, Proof,
};

use crate::ReportError;
use crate::amount::Amount;
use crate::cut_off::Periods;
use crate::known::{Known, TRANSACTIONS};
use crate::names::{self, Definition};
use crate::questions::Answers;
use crate::stock::{Coverage, Stock};

/// Stated by the calls that hand a document over, and by those that take it.
pub(crate) const DOCUMENTS_SENT: &str = "documents_sent";
pub(crate) const DOCUMENTS_RECEIVED: &str = "documents_received";
const DOCUMENTS: &[&str] = &[DOCUMENTS_SENT, DOCUMENTS_RECEIVED];

/// Everything that the figures are made of.
pub(crate) struct Facts<'a> {
    pub periods: &'a Periods,
    pub answers: &'a Answers,
    pub known: &'a Known<'a>,
    pub stock: &'a Stock,
    /// The last entry before the cut-off: what a stock rests on.
    pub stock_sequence: u64,
}

/// A period, and what was answered for it.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub period: Period,
    pub answer: &'a CountResponse,
}

/// The figures of every report, in the order of [`crate::DEFINITIONS`].
pub(crate) fn assemble(facts: &Facts<'_>) -> Result<Vec<Figure>, ReportError> {
    let transactions = facts.transactions();
    let documents = facts.documents();
    let distinct = facts.distinct()?;
    let stocks = facts.stocks()?;
    let figures = [transactions, distinct, documents, stocks];
    Ok(figures.into_iter().flatten().collect())
}

impl<'a> Facts<'a> {
    fn asked(&self) -> Spans<'a> {
        let (periods, answers) = (self.periods, self.answers);
        let asked = |period, answer| Asked { period, answer };
        let compared = |period: Option<Period>, answer: &'a Option<CountResponse>| {
            Some(asked(period?, answer.as_ref()?))
        };
        Spans {
            month: asked(periods.month, &answers.month),
            first_months: asked(periods.first_months, &answers.first_months),
            year_to_date: asked(periods.year_to_date, &answers.year_to_date),
            previous_year: asked(periods.previous_year, &answers.previous_year),
            since_launch: asked(periods.since_launch, &answers.since_launch),
            month_previous: compared(periods.month_previous, &answers.month_previous),
            month_year_before: compared(periods.month_year_before, &answers.month_year_before),
            first_months_year_before: compared(
                periods.first_months_year_before,
                &answers.first_months_year_before,
            ),
            year_to_date_year_before: compared(
                periods.year_to_date_year_before,
                &answers.year_to_date_year_before,
            ),
        }
    }

    fn transactions(&self) -> Vec<Figure> {
        use ComparisonKind::{Previous, YearBefore};
        let spans = self.asked();
        let number = |of, asked| self.number(of, &[TRANSACTIONS], asked);
        let change = |of, kind, asked, base| self.change(of, (&[TRANSACTIONS], kind), asked, base);
        vec![
            number(names::TRANSACTIONS_MONTH, spans.month),
            self.per_day(names::TRANSACTIONS_PER_DAY_MONTH, spans.month),
            change(
                names::TRANSACTIONS_MONTH_CHANGE_PREVIOUS,
                Previous,
                spans.month,
                spans.month_previous,
            ),
            change(
                names::TRANSACTIONS_MONTH_CHANGE_YEAR_BEFORE,
                YearBefore,
                spans.month,
                spans.month_year_before,
            ),
            number(names::TRANSACTIONS_SINCE_LAUNCH, spans.since_launch),
            number(names::TRANSACTIONS_YEAR_TO_DATE, spans.year_to_date),
            self.per_day(names::TRANSACTIONS_PER_DAY, spans.year_to_date),
            change(
                names::TRANSACTIONS_YEAR_TO_DATE_CHANGE_YEAR_BEFORE,
                YearBefore,
                spans.year_to_date,
                spans.year_to_date_year_before,
            ),
            number(names::TRANSACTIONS_FIRST_MONTHS, spans.first_months),
            number(names::TRANSACTIONS_PREVIOUS_YEAR, spans.previous_year),
            self.per_day(
                names::TRANSACTIONS_PER_DAY_PREVIOUS_YEAR,
                spans.previous_year,
            ),
        ]
    }

    /// Who took part in the month's transactions.
    fn distinct(&self) -> Result<Vec<Figure>, ReportError> {
        let spans = self.asked();
        let missing = ReportError::Incomplete("the distinct systems and members");
        let Distinct {
            systems, members, ..
        } = spans.month.answer.distinct.ok_or(missing)?;
        let figure = |of, value| self.figure(of, &Amount::exact(value), spans.month, &[]);
        Ok(vec![
            figure(names::SYSTEMS_TRANSACTING_MONTH, systems),
            figure(names::MEMBERS_TRANSACTING_MONTH, members),
        ])
    }

    fn documents(&self) -> Vec<Figure> {
        use ComparisonKind::{Previous, YearBefore};
        let spans = self.asked();
        let of = |both, sent, received, asked| {
            [
                self.number(both, DOCUMENTS, asked),
                self.number(sent, &[DOCUMENTS_SENT], asked),
                self.number(received, &[DOCUMENTS_RECEIVED], asked),
            ]
        };
        let change = |of, kind, asked, base| self.change(of, (DOCUMENTS, kind), asked, base);
        let month = of(
            names::DOCUMENTS_MONTH,
            names::DOCUMENTS_SENT_MONTH,
            names::DOCUMENTS_RECEIVED_MONTH,
            spans.month,
        );
        let month_changes = [
            change(
                names::DOCUMENTS_MONTH_CHANGE_PREVIOUS,
                Previous,
                spans.month,
                spans.month_previous,
            ),
            change(
                names::DOCUMENTS_MONTH_CHANGE_YEAR_BEFORE,
                YearBefore,
                spans.month,
                spans.month_year_before,
            ),
        ];
        let first_months = of(
            names::DOCUMENTS_FIRST_MONTHS,
            names::DOCUMENTS_SENT_FIRST_MONTHS,
            names::DOCUMENTS_RECEIVED_FIRST_MONTHS,
            spans.first_months,
        );
        let first_months_change = [change(
            names::DOCUMENTS_FIRST_MONTHS_CHANGE_YEAR_BEFORE,
            YearBefore,
            spans.first_months,
            spans.first_months_year_before,
        )];
        let since_launch = of(
            names::DOCUMENTS_SINCE_LAUNCH,
            names::DOCUMENTS_SENT_SINCE_LAUNCH,
            names::DOCUMENTS_RECEIVED_SINCE_LAUNCH,
            spans.since_launch,
        );
        let month = month.into_iter().chain(month_changes);
        let year = first_months.into_iter().chain(first_months_change);
        month.chain(year).chain(since_launch).collect()
    }

    /// What stood at the cut-off.
    fn stocks(&self) -> Result<Vec<Figure>, ReportError> {
        let since_launch = self.asked().since_launch;
        let proof = Proof {
            first_sequence: self.stock_sequence.min(1),
            last_sequence: self.stock_sequence,
            ..self.proof(since_launch)?
        };
        let systems = |of, value| Figure {
            proof: Some(proof.clone()),
            ..self.figure(of, &Amount::exact(value), since_launch, &[])
        };
        let members = |of, coverage: Coverage| Figure {
            out_of: coverage.registered,
            missing: coverage.missing,
            ..systems(of, coverage.connected)
        };
        let stock = self.stock;
        let of_kind = |of, kind| systems(of, stock.systems(kind));
        let of_class = |of, class| members(of, stock.members_with_lgsp(class));
        Ok(vec![
            members(names::MEMBERS_CONNECTED, stock.members()),
            systems(names::SYSTEMS_CONNECTED, stock.all_systems()),
            of_kind(names::SYSTEMS_LGSP, SystemKind::Lgsp),
            of_kind(names::SYSTEMS_DATABASE, SystemKind::Database),
            of_kind(
                names::SYSTEMS_INFORMATION_SYSTEM,
                SystemKind::InformationSystem,
            ),
            of_class(names::COVERAGE_MINISTRIES, MemberClass::Ministry),
            of_class(names::COVERAGE_PROVINCES, MemberClass::Province),
        ])
    }

    fn number(&self, of: Definition, measures: &[&str], asked: Asked<'_>) -> Figure {
        let amount = Amount::of_total(asked.answer, measures);
        self.figure(of, &amount, asked, measures)
    }

    fn per_day(&self, of: Definition, asked: Asked<'_>) -> Figure {
        let days = self.known.days(asked.period);
        let amount = Amount::of_total(asked.answer, &[TRANSACTIONS]).per_day(days);
        Figure {
            days,
            ..self.figure(of, &amount, asked, &[TRANSACTIONS])
        }
    }

    fn change(
        &self,
        of: Definition,
        (measures, kind): (&[&str], ComparisonKind),
        asked: Asked<'_>,
        base: Option<Asked<'_>>,
    ) -> Figure {
        let comparison = Comparison {
            kind: kind.into(),
            ..self.comparison(measures, asked, base)
        };
        Figure {
            comparison: Some(comparison),
            ..self.number(of, measures, asked)
        }
    }

    /// The other side; without a number where either is not that of its whole period.
    fn comparison(
        &self,
        measures: &[&str],
        asked: Asked<'_>,
        base: Option<Asked<'_>>,
    ) -> Comparison {
        let Some(base) = base else {
            return Comparison {
                unavailable_vi: "không có kỳ tương ứng để so sánh".to_owned(),
                unavailable_en: "there is no such period to compare with".to_owned(),
                ..Comparison::default()
            };
        };
        let lack_of = |asked: Asked<'_>| self.known.lack(measures, None, asked.period);
        let proof = self.proof(base).ok();
        if let Some(lack) = lack_of(base).or_else(|| lack_of(asked)) {
            let (unavailable_vi, unavailable_en) = self.known.words(lack);
            return Comparison {
                base_proof: proof,
                unavailable_vi,
                unavailable_en,
                ..Comparison::default()
            };
        }
        let amount = Amount::of_total(base.answer, measures);
        let (base_value, base_value_high) = amount.value();
        Comparison {
            base_value,
            base_value_high,
            base_opening: amount.opening(),
            base_proof: proof,
            ..Comparison::default()
        }
    }

    fn figure(
        &self,
        of: Definition,
        amount: &Amount,
        asked: Asked<'_>,
        measures: &[&str],
    ) -> Figure {
        self.figure_of(of, amount, asked, (measures, None))
    }

    /// A number with everything that is said of it. `measures` are what opening balances could
    /// have added, those of a service or all; none for a stock.
    pub(crate) fn figure_of(
        &self,
        of: Definition,
        amount: &Amount,
        asked: Asked<'_>,
        (measures, service): (&[&str], Option<&str>),
    ) -> Figure {
        let (value, value_high) = amount.value();
        let lack = self.known.lack(measures, service, asked.period);
        let (partial_vi, partial_en) = lack.map(|lack| self.known.words(lack)).unwrap_or_default();
        Figure {
            name: of.name.to_owned(),
            unit: of.unit.to_owned(),
            title_vi: of.title_vi.to_owned(),
            title_en: of.title_en.to_owned(),
            definition_vi: of.definition_vi.to_owned(),
            definition_en: of.definition_en.to_owned(),
            value,
            value_high,
            opening: amount.opening(),
            opening_sources: amount.sources(),
            opening_left_out: self.known.left_out(measures, service, asked.period),
            partial_vi,
            partial_en,
            proof: self.proof(asked).ok(),
            ..Figure::default()
        }
    }

    fn proof(&self, asked: Asked<'_>) -> Result<Proof, ReportError> {
        let proof = asked.answer.proof.clone();
        Ok(Proof {
            cut_off_us: self.periods.cut_off.as_micros(),
            ..proof.ok_or(ReportError::Incomplete("the proof"))?
        })
    }
}

/// The periods of a report with their answers.
struct Spans<'a> {
    month: Asked<'a>,
    first_months: Asked<'a>,
    year_to_date: Asked<'a>,
    previous_year: Asked<'a>,
    since_launch: Asked<'a>,
    month_previous: Option<Asked<'a>>,
    month_year_before: Option<Asked<'a>>,
    first_months_year_before: Option<Asked<'a>>,
    year_to_date_year_before: Option<Asked<'a>>,
}

#[cfg(test)]
pub(crate) mod tests;
