//! How a question sees the names of a line: who carries on for whom, whether the line is asked for,
//! and which row it belongs to. The one place for it, so that what is counted elsewhere (opening
//! balances) joins the same rows.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use ndxp_model::{Instant, MemberClass, Period, SystemKind, Zone};
use ndxp_proto::journal::v1::Connection;

use crate::dimension::Dimension;
use crate::filter::{DASH, Side};
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
        let covers = |side: &Option<Side>, system: &str| {
            side.as_ref().is_none_or(|side| side.covers(system))
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
    let last = Instant::from_micros(period.to.as_micros().checked_sub(1)?);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use crate::names::NoNames;

    fn connection() -> Connection {
        Connection {
            consumer: "H26/lgsp".to_owned(),
            provider: "G01/population".to_owned(),
            service: "gov.Identity".to_owned(),
        }
    }

    #[test]
    fn a_line_has_one_row_in_every_breakdown_by_names() {
        let connection = connection();
        for (by, row) in [
            (
                Dimension::Connection,
                "H26/lgsp>G01/population/gov.Identity",
            ),
            (Dimension::Consumer, "H26/lgsp"),
            (Dimension::Provider, "G01/population"),
            (Dimension::Service, "gov.Identity"),
            (Dimension::Method, "gov.Identity/-"),
            (Dimension::Kind, "-"),
            (Dimension::Class, "-"),
            (Dimension::ConsumerMember, "H26"),
            (Dimension::ProviderMember, "G01"),
        ] {
            let query = CountQuery {
                by: Some(by),
                ..CountQuery::since_launch()
            };
            let lens = Lens::new(&query, &NoNames);
            let seen = lens.see(&connection, "").unwrap();
            assert_eq!(lens.row(&seen).as_deref(), Some(row), "{by}");
            let nobody = Connection::default();
            let unknown = lens.see(&nobody, "").unwrap();
            let dashes = lens.row(&unknown).unwrap();
            assert!(dashes.chars().all(|it| "->/".contains(it)), "{dashes}");
        }
        for by in Dimension::ALL.into_iter().filter(|by| !by.is_by_name()) {
            let query = CountQuery {
                by: Some(by),
                ..CountQuery::since_launch()
            };
            let lens = Lens::new(&query, &NoNames);
            let seen = lens.see(&connection, "").unwrap();
            assert_eq!(lens.row(&seen), None, "{by}");
        }
    }

    #[test]
    fn what_the_asker_may_not_see_or_did_not_ask_for_is_not_seen() {
        let party = |text: &str| Some(Side::Party(text.parse().unwrap()));
        let rows = [
            (None, Filter::default(), true),
            (Some("H26"), Filter::default(), true),
            (Some("G01/population"), Filter::default(), true),
            (Some("H27"), Filter::default(), false),
            (
                Some("H27"),
                Filter {
                    consumer: party("H26"),
                    ..Filter::default()
                },
                false,
            ),
            (
                None,
                Filter {
                    consumer: party("H26"),
                    provider: party("G01"),
                    ..Filter::default()
                },
                true,
            ),
            (
                None,
                Filter {
                    consumer: party("H26"),
                    provider: party("G24"),
                    ..Filter::default()
                },
                false,
            ),
            (
                None,
                Filter {
                    method: Some("Find".to_owned()),
                    ..Filter::default()
                },
                false,
            ),
        ];
        for (asker, filter, seen) in rows {
            let query = CountQuery {
                party: asker.map(|asker| asker.parse().unwrap()),
                filter,
                ..CountQuery::since_launch()
            };
            let lens = Lens::new(&query, &NoNames);
            assert_eq!(lens.see(&connection(), "").is_some(), seen, "{query:?}");
        }
    }

    #[test]
    fn a_stretch_of_time_has_a_row_where_it_lies_within_one() {
        let zone = Zone::viet_nam();
        let between = |from: &str, to: &str| Period {
            from: zone.moment(from).unwrap().from,
            to: zone.moment(to).unwrap().to,
        };
        for (by, from, to, row) in [
            (
                Dimension::Day,
                "2022-07-22",
                "2022-07-22",
                Some("2022-07-22"),
            ),
            (Dimension::Day, "2022-07-22", "2022-07-23", None),
            (Dimension::Hour, "2022-07-22", "2022-07-22", None),
            (
                Dimension::Week,
                "2022-07-18",
                "2022-07-24",
                Some("2022-W29"),
            ),
            (Dimension::Week, "2022-07-18", "2022-07-25", None),
            (
                Dimension::Month,
                "2022-07-01",
                "2022-07-31",
                Some("2022-07"),
            ),
            (
                Dimension::Month,
                "2022-07-22",
                "2022-07-23",
                Some("2022-07"),
            ),
            (Dimension::Month, "2022-07-22", "2022-08-01", None),
            (Dimension::Outcome, "2022-07-22", "2022-07-22", None),
        ] {
            let found = row_of_period(by, &zone, between(from, to));
            assert_eq!(found.as_deref(), row, "{by} {from} {to}");
        }
        let nothing = Period {
            from: zone.moment("2022-07-22").unwrap().from,
            to: zone.moment("2022-07-22").unwrap().from,
        };
        assert_eq!(row_of_period(Dimension::Month, &zone, nothing), None);
    }
}
