//! Where items and fields stand in the files of a catalogue: for errors that are found in the
//! files together, and for those that the hub finds beside what stands.

use std::collections::HashMap;

use ndxp_proto::registry::v1;

use super::source::Source;
use crate::check::{self, At, Locate};
use crate::problem::Place;
use crate::record::Field;

/// The files of one catalogue.
pub(super) struct Sources<'a>(pub Vec<Source<'a>>);

/// Places by the names that errors give items, such as `grant H26/lgsp>G01/population/…`, and by
/// keys; the empty key is the item's own place.
#[derive(Clone, Debug, Default)]
pub struct Lines(HashMap<String, HashMap<&'static str, Place>>);

impl Sources<'_> {
    fn of(&self, at: At) -> Option<&Source<'_>> {
        self.0.iter().find(|source| source.holds(at))
    }
}

impl Locate for Sources<'_> {
    fn place(&self, item: At, field: Option<Field>) -> Place {
        let source = self.of(item);
        source.map_or(Place::Request, |source| source.place(item, field))
    }

    fn is_reported(&self, item: At, field: &'static str) -> bool {
        self.of(item)
            .is_some_and(|source| source.is_reported(item, field))
    }
}

impl Lines {
    pub(super) fn of(sources: &Sources<'_>, catalogue: &v1::Catalogue) -> Self {
        let mut labels: HashMap<At, String> = HashMap::new();
        let mut lines = Self::default();
        for (at, key, place) in sources.0.iter().flat_map(Source::places) {
            let label = labels
                .entry(at)
                .or_insert_with(|| check::label_at(catalogue, at));
            let keys = lines.0.entry(label.clone()).or_default();
            // The first of the elements of a list, the first of the versions of a grant.
            let known = keys.entry(key).or_insert_with(|| place.clone());
            if place < *known {
                *known = place;
            }
        }
        lines
    }

    /// Where the field stands, or else the item.
    #[must_use]
    pub fn place(&self, item: &str, key: &str) -> Option<&Place> {
        let keys = self.0.get(item)?;
        keys.get(key).or_else(|| keys.get(""))
    }

    /// Errors that the hub told of the request, one a line, with file and line in place of the
    /// word `catalogue` wherever the item is from a file.
    #[must_use]
    pub fn placed(&self, errors: &str) -> String {
        let placed = errors.lines().map(|line| {
            let place = || {
                let told = line.strip_prefix("catalogue: ")?;
                let (item, rest) = told.split_once(": ")?;
                let key = rest.split([' ', ':']).next().unwrap_or_default();
                Some(format!("{}: {told}", self.place(item, key)?))
            };
            place().unwrap_or_else(|| line.to_owned())
        });
        placed.collect::<Vec<_>>().join("\n")
    }
}
