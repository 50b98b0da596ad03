//! How a question sees the names of a line: who carries on for whom, whether the line is asked for,
//! and which row it belongs to. The one place for it, so that what is counted elsewhere (opening
//! balances) joins the same rows.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use ndxp_model::{MemberClass, Period, SystemKind, Zone};
use ndxp_proto::journal::v1::Connection;

use crate::dimension::Dimension;
use crate::filter::DASH;
use crate::names::Names;
use crate::query::CountQuery;

/// A question's view of names. Remembers what it was told of them, for as long as the question.
pub struct Lens<'a> {
    query: &'a CountQuery,
    names: &'a dyn Names,
    systems: RefCell<HashMap<String, String>>,
    kinds: RefCell<HashMap<String, Option<SystemKind>>>,
    classes: RefCell<HashMap<String, Option<MemberClass>>>,
}

/// The names of a line that a question is about, as it sees them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen<'l> {
    pub consumer: Cow<'l, str>,
    pub provider: Cow<'l, str>,
    pub service: &'l str,
    pub method: &'l str,
    kind: Option<SystemKind>,
    class: Option<MemberClass>,
}

impl<'a> Lens<'a> {
    #[must_use]
    pub fn new(query: &'a CountQuery, names: &'a dyn Names) -> Self {
        Self {
            query,
            names,
            systems: RefCell::default(),
            kinds: RefCell::default(),
            classes: RefCell::default(),
        }
    }

    /// Whether the asker may see the connection at all. It is what it was: nobody comes to see
    /// another's connections by succession.
    #[must_use]
    pub fn may_see(&self, connection: &Connection) -> bool {
        self.query.party.as_ref().is_none_or(|party| {
            party.covers(&connection.consumer) || party.covers(&connection.provider)
        })
    }

    /// The names under which the question counts a line; `None` where it does not.
    #[must_use]
    pub fn see<'l>(&self, connection: &'l Connection, method: &'l str) -> Option<Seen<'l>> {
        let filter = &self.query.filter;
        let wanted = |wanted: &Option<String>, name: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == name)
        };
        if !self.may_see(connection)
            || !wanted(&filter.service, &connection.service)
            || !wanted(&filter.method, method)
        {
            return None;
        }
        let consumer = self.successor(&connection.consumer);
        let provider = self.successor(&connection.provider);
        let covers = |side: &Option<_>, system: &str| {
            side.as_ref()
                .is_none_or(|side: &crate::filter::Side| side.covers(system))
        };
        if !covers(&filter.consumer, &consumer) || !covers(&filter.provider, &provider) {
            return None;
        }
        let by = self.query.by;
        let kind = match filter.kind.is_some() || by == Some(Dimension::Kind) {
            true => self.kind(&provider, &connection.provider),
            false => None,
        };
        let class = match filter.class.is_some() || by == Some(Dimension::Class) {
            true => self.class(&consumer, &connection.consumer),
            false => None,
        };
        let holds = filter.kind.is_none_or(|wanted| kind == Some(wanted))
            && filter.class.is_none_or(|wanted| class == Some(wanted));
        holds.then_some(Seen {
            consumer,
            provider,
            service: &connection.service,
            method,
            kind,
            class,
        })
    }

    /// The row of a line in a breakdown by names; `None` when the rows are of another sort.
    #[must_use]
    pub fn row(&self, seen: &Seen<'_>) -> Option<String> {
        let (consumer, provider) = (known(&seen.consumer), known(&seen.provider));
        let service = known(seen.service);
        Some(match self.query.by? {
            Dimension::Connection => format!("{consumer}>{provider}/{service}"),
            Dimension::Consumer => consumer.to_owned(),
            Dimension::Provider => provider.to_owned(),
            Dimension::Service => service.to_owned(),
            Dimension::Method => format!("{service}/{}", known(seen.method)),
            Dimension::Kind => seen.kind.map_or(DASH, SystemKind::as_str).to_owned(),
            Dimension::Class => seen.class.map_or(DASH, MemberClass::as_str).to_owned(),
            Dimension::ConsumerMember => known(member(&seen.consumer)).to_owned(),
            Dimension::ProviderMember => known(member(&seen.provider)).to_owned(),
            Dimension::Outcome
            | Dimension::Fault
            | Dimension::Hour
            | Dimension::Day
            | Dimension::Week
            | Dimension::Month => return None,
        })
    }

    /// Who carries on for the system, where the question is by successor.
    pub(crate) fn successor<'l>(&self, system: &'l str) -> Cow<'l, str> {
        if !self.query.by_successor || system.is_empty() {
            return Cow::Borrowed(system);
        }
        let told = |system: &str| self.names.system_successor(system);
        Cow::Owned(remembered(&self.systems, system, told))
    }

    /// A system that carries on only in name is of the kind of the one that was.
    fn kind(&self, provider: &str, was: &str) -> Option<SystemKind> {
        let told = |system: &str| remembered(&self.kinds, system, |it| self.names.kind(it));
        told(provider).or_else(|| told(was))
    }

    fn class(&self, consumer: &str, was: &str) -> Option<MemberClass> {
        let told = |code: &str| remembered(&self.classes, code, |it| self.names.class(it));
        told(member(consumer)).or_else(|| told(member(was)))
    }
}

/// The row of a stretch of local time in a breakdown by time, when it lies within one.
#[must_use]
pub fn row_of_period(by: Dimension, zone: &Zone, period: Period) -> Option<String> {
    let start = by.start(zone, period.from)?;
    let last = ndxp_model::Instant::from_micros(period.to.as_micros().checked_sub(1)?);
    let within = !period.is_empty() && by.start(zone, last) == Some(start);
    within.then(|| by.label(zone, start))
}

fn remembered<T: Clone>(
    memory: &RefCell<HashMap<String, T>>,
    name: &str,
    told: impl FnOnce(&str) -> T,
) -> T {
    if let Some(known) = memory.borrow().get(name) {
        return known.clone();
    }
    let value = told(name);
    memory.borrow_mut().insert(name.to_owned(), value.clone());
    value
}

/// The member of a system; nothing of nothing.
pub(crate) fn member(system: &str) -> &str {
    system.split_once('/').map_or(system, |(member, _)| member)
}

/// A name, or the dash for one that is not known.
fn known(name: &str) -> &str {
    if name.is_empty() { DASH } else { name }
}
