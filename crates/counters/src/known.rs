//! Names in a filter that nobody knows: refused with those that are like them, never answered 0.

use std::collections::BTreeSet;

use ndxp_model::Party;

use crate::error::CountersError;
use crate::filter::{Filter, Side};
use crate::lens::{Lens, member};
use crate::names::{NameSort, Names};
use crate::nearest::nearest;
use crate::query::CountQuery;
use crate::view::View;

/// A name of the filter, and the field that holds it.
struct Stated<'a> {
    field: &'static str,
    sort: NameSort,
    value: &'a str,
}

/// Holds the names of the filter against the registry and against the lines that the asker may see.
///
/// # Errors
/// For the first name that neither knows, and for one that counts with its successor.
pub fn check(
    view: &View<'_>,
    query: &CountQuery,
    lens: &Lens<'_>,
    names: &dyn Names,
) -> Result<(), CountersError> {
    for Stated { field, sort, value } in stated(&query.filter) {
        let mut known = counted(view, lens, sort);
        if !known.contains(value) && !names.knows(sort, value) {
            // A member is not told the names of others that it has nothing to do with.
            if query.party.is_none() {
                known.extend(names.all(sort));
            }
            return Err(CountersError::UnknownName {
                field,
                value: value.to_owned(),
                sort: sort.as_str(),
                nearest: nearest(value, known),
            });
        }
        let successor = match sort {
            _ if !query.by_successor => continue,
            NameSort::Member => names.member_successor(value),
            NameSort::System => names.system_successor(value),
            NameSort::Service | NameSort::Method => continue,
        };
        if successor != value {
            return Err(CountersError::Succeeded {
                field,
                value: value.to_owned(),
                successor,
            });
        }
    }
    Ok(())
}

fn stated(filter: &Filter) -> impl Iterator<Item = Stated<'_>> {
    let sides = [
        ("filter.consumer", &filter.consumer),
        ("filter.provider", &filter.provider),
    ];
    let texts = [
        ("filter.service", NameSort::Service, &filter.service),
        ("filter.method", NameSort::Method, &filter.method),
    ];
    let sides = sides.into_iter().filter_map(|(field, side)| {
        let (sort, value) = match side.as_ref()? {
            Side::Unknown => return None,
            Side::Party(Party::Member(code)) => (NameSort::Member, code.as_str()),
            Side::Party(Party::System(id)) => (NameSort::System, id.as_str()),
        };
        Some(Stated { field, sort, value })
    });
    let texts = texts.into_iter().filter_map(|(field, sort, text)| {
        let value = text.as_deref().filter(|value| !value.is_empty())?;
        Some(Stated { field, sort, value })
    });
    sides.chain(texts)
}

/// The names of one sort in the lines that the asker may see, as they were and as they are seen.
fn counted(view: &View<'_>, lens: &Lens<'_>, sort: NameSort) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let lines = view
        .lines()
        .map(|(_, line)| (&line.connection, &*line.method));
    // What only a previous platform counted is asked for by its names, too.
    let imports = view.store.state.balances.imports().iter();
    let imports = imports.chain(&view.pending.baselines);
    let imported = imports.flat_map(|import| &import.baseline.connections);
    let imported = imported.map(|connection| (connection, ""));
    for (connection, method) in lines.chain(imported) {
        if !lens.may_see(connection) {
            continue;
        }
        let mut take = |name: &str| {
            if !name.is_empty() && !names.contains(name) {
                names.insert(name.to_owned());
            }
        };
        let systems = [&connection.consumer, &connection.provider];
        match sort {
            NameSort::Service => take(&connection.service),
            NameSort::Method => take(method),
            NameSort::System => {
                for system in systems {
                    take(system);
                    take(&lens.successor(system));
                }
            }
            NameSort::Member => {
                for system in systems {
                    take(member(system));
                    take(member(&lens.successor(system)));
                }
            }
        }
    }
    names
}
