//! Figures of single services: rows 11 to 13 of the list that official reports cite, for the
//! services with the most transactions. Pure over the answers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ndxp_proto::statistics::v1::{CountResponse, CountRow, Figure};

use crate::amount::Amount;
use crate::assemble::{Asked, Facts};
use crate::known::TRANSACTIONS;
use crate::names::{self, Definition};

/// Services of one report. With two figures of transactions and two of each measure, a report of
/// services that declare two measures each holds about 200 figures of them, some 200 KiB.
pub(crate) const SERVICES_MAX: usize = 32;

/// What each service declares.
pub(crate) type Declared = BTreeMap<String, BTreeSet<String>>;

/// The figures of the services with the most transactions since launch, opening balances with
/// them, then by name; those without any follow, so that what is offered can be cited.
pub(crate) fn of_services(facts: &Facts<'_>, declared: &Declared) -> Vec<Figure> {
    let since_launch = by_service(&facts.answers.services_since_launch);
    let month = by_service(&facts.answers.services_month);
    let offered = declared.keys().map(String::as_str);
    let all: BTreeSet<&str> = since_launch.keys().copied().chain(offered).collect();
    let mut services: Vec<&str> = all.into_iter().filter(|service| *service != "-").collect();
    // By name already, which decides between services with as many transactions.
    services.sort_by_key(|service| {
        let row = since_launch.get(service).copied();
        let (low, high) = Amount::of_row(row, &[TRANSACTIONS]).value();
        Reverse((high, low))
    });
    services.truncate(SERVICES_MAX);
    let none = BTreeSet::new();
    let figures = services.into_iter().flat_map(|service| {
        let rows = Rows {
            service,
            month: month.get(service).copied(),
            since_launch: since_launch.get(service).copied(),
        };
        rows.figures(facts, declared.get(service).unwrap_or(&none))
    });
    figures.collect()
}

fn by_service(answer: &CountResponse) -> BTreeMap<&str, &CountRow> {
    let rows = answer.rows.iter();
    rows.map(|row| (row.key.as_str(), row)).collect()
}

/// One service's share of the answers.
#[derive(Clone, Copy)]
struct Rows<'a> {
    service: &'a str,
    month: Option<&'a CountRow>,
    since_launch: Option<&'a CountRow>,
}

impl Rows<'_> {
    fn figures(self, facts: &Facts<'_>, declared: &BTreeSet<String>) -> Vec<Figure> {
        let (answers, periods) = (facts.answers, facts.periods);
        let month = Asked {
            period: periods.month,
            answer: &answers.services_month,
        };
        let since_launch = Asked {
            period: periods.since_launch,
            answer: &answers.services_since_launch,
        };
        let figure = |of: Definition, measure: &str, row, asked: Asked<'_>| {
            let amount = Amount::of_row(row, &[measure]);
            let told = (&[measure][..], Some(self.service));
            self.named(facts.figure_of(of, &amount, asked, told), measure)
        };
        let of_month = names::SERVICE_TRANSACTIONS_MONTH;
        let of_all = names::SERVICE_TRANSACTIONS_SINCE_LAUNCH;
        let mut figures = vec![
            figure(of_month, TRANSACTIONS, self.month, month),
            figure(of_all, TRANSACTIONS, self.since_launch, since_launch),
        ];
        for measure in &self.measures(declared) {
            let of_month = names::SERVICE_MEASURE_MONTH;
            let of_all = names::SERVICE_MEASURE_SINCE_LAUNCH;
            figures.push(figure(of_month, measure, self.month, month));
            figures.push(figure(of_all, measure, self.since_launch, since_launch));
        }
        figures
    }

    /// What the service declares, and what was ever stated on it.
    fn measures(self, declared: &BTreeSet<String>) -> BTreeSet<String> {
        let mut measures = declared.clone();
        if let Some(row) = self.since_launch {
            let counted = row.counts.iter().flat_map(|counts| &counts.measures);
            let opening = row.opening.iter().flat_map(|opening| &opening.measures);
            measures.extend(counted.chain(opening).map(|it| it.name.clone()));
        }
        measures
    }

    fn named(self, figure: Figure, measure: &str) -> Figure {
        let fill = |text: &str| {
            let text = text.replace("{service}", self.service);
            text.replace("{measure}", measure)
        };
        let name = figure.name.replace("<service>", self.service);
        Figure {
            name: name.replace("<measure>", measure),
            unit: figure.unit.replace("<measure>", measure),
            title_vi: fill(&figure.title_vi),
            title_en: fill(&figure.title_en),
            definition_vi: fill(&figure.definition_vi),
            definition_en: fill(&figure.definition_en),
            ..figure
        }
    }
}

#[cfg(test)]
mod tests;
