//! The figures of the monthly report, asked of the counters and of the registry's history for
//! one cut-off.

use std::collections::BTreeMap;

use ndxp_counters::{Counters, Names};
use ndxp_model::{Instant, SystemId, Zone};
use ndxp_proto::registry::v1::System;
use ndxp_proto::statistics::v1::{CountRequest, CountResponse, Figure, GetFiguresRequest};
use ndxp_registry::Registry;

use crate::ReportError;
use crate::assemble::{Facts, assemble};
use crate::cut_off::{Periods, Wanted};
use crate::known::{Known, Told};
use crate::of_services::{Declared, of_services};
use crate::questions::Answers;
use crate::stock::Stock;

/// Of what reports are made.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    pub counters: &'a Counters,
    /// As of now: for kinds, classes, titles and successors.
    pub names: &'a dyn Names,
    /// As it stood at the cut-off: the fold of what was committed before it.
    pub registry: &'a Registry,
    pub zone: &'a Zone,
    pub now: Instant,
}

/// Every figure of the report on a calendar month (`2022-07`; without one, the month of the
/// cut-off): those of [`crate::DEFINITIONS`] in their order, then those of services.
///
/// A cut-off within the running hour or ahead of it takes the end of the running hour.
///
/// # Errors
/// When the month or the cut-off cannot be asked for, or the counters cannot answer.
pub fn figures(
    sources: &Sources<'_>,
    request: &GetFiguresRequest,
) -> Result<Vec<Figure>, ReportError> {
    let known = sources.known()?;
    let wanted = sources.wanted(&request.month, request.as_of_us, &known);
    let periods = Periods::of(sources.zone, wanted)?;
    sources.figures_of(&periods, request.by_successor, &known)
}

impl Sources<'_> {
    /// Since when what is known, and by what.
    pub(crate) fn known(&self) -> Result<Known<'_>, ReportError> {
        let told = Told::all(&self.counters.balances()?, self.zone);
        Ok(Known::of(self.zone, self.counters.launched()?, told))
    }

    pub(crate) fn wanted<'m>(
        &self,
        month: &'m str,
        as_of_us: i64,
        known: &Known<'_>,
    ) -> Wanted<'m> {
        Wanted {
            month: Some(month).filter(|month| !month.is_empty()),
            as_of: (as_of_us != 0).then(|| Instant::from_micros(as_of_us)),
            now: self.now,
            launched: known.launched(),
        }
    }

    pub(crate) fn ask(&self, request: &CountRequest) -> Result<CountResponse, ReportError> {
        crate::count(
            self.counters,
            request,
            None,
            self.names,
            self.zone,
            self.now,
        )
    }

    pub(crate) fn figures_of(
        &self,
        periods: &Periods,
        by_successor: bool,
        known: &Known<'_>,
    ) -> Result<Vec<Figure>, ReportError> {
        let answers = Answers::ask(periods, by_successor, &|request| self.ask(request))?;
        let stock = self.stock(periods.cut_off, by_successor)?;
        let facts = Facts {
            periods,
            answers: &answers,
            known,
            stock: &stock,
            stock_sequence: self.registry.watermark().get(),
        };
        let mut figures = assemble(&facts)?;
        figures.extend(of_services(&facts, &self.declared()));
        Ok(figures)
    }

    fn stock(&self, cut_off: Instant, by_successor: bool) -> Result<Stock, ReportError> {
        let first = self.counters.first_transaction_of()?;
        let first: BTreeMap<String, Instant> = first.into_iter().collect();
        let before_cut_off = |at: &Instant| *at < cut_off;
        let has_connected = |system: &System| {
            let id: Option<SystemId> = system.id.parse().ok();
            let handshake = id.and_then(|id| self.registry.connected_at(&id));
            let transaction = first.get(&system.id).copied();
            [handshake, transaction]
                .iter()
                .flatten()
                .any(before_cut_off)
        };
        Ok(Stock::of(
            self.registry.members(),
            self.registry.systems(),
            has_connected,
            by_successor.then_some(self.names),
        ))
    }

    /// The measures of the services that stand in the registry.
    fn declared(&self) -> Declared {
        let mut declared = Declared::new();
        for service in self.registry.services() {
            let measures = declared.entry(service.name).or_default();
            measures.extend(service.measures);
        }
        declared
    }
}
