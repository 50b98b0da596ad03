//! How one item would change, field by field, in the words of a catalogue file.

use ndxp_model::Instant;
use ndxp_proto::registry::v1;

use crate::record::Item;
use crate::words;

/// An item whose fields can be told apart.
pub(crate) trait Fields: Item {
    /// Name and text of each field that is not part of the key. The text of a field that is not
    /// set is empty.
    fn fields(&self) -> Vec<(&'static str, String)>;

    /// Puts lists whose order means nothing in order, so that writing them in another order is
    /// no change.
    fn sort_lists(&mut self) {}
}

/// What differs; `None` when the item stands as it is wanted.
pub(crate) fn difference<T: Fields>(standing: Option<&T>, wanted: &T) -> Option<v1::Difference> {
    if standing == Some(wanted) {
        return None;
    }
    let after = wanted.fields();
    let before = match standing {
        Some(standing) => standing.fields(),
        None => after
            .iter()
            .map(|(name, _)| (*name, String::new()))
            .collect(),
    };
    let fields = before
        .into_iter()
        .zip(after)
        .filter(|((_, before), (_, after))| before != after)
        .map(|((field, before), (_, after))| v1::FieldDifference {
            field: field.to_owned(),
            before,
            after,
        })
        .collect();
    Some(v1::Difference {
        item: format!("{} {}", T::KIND, wanted.key()),
        added: standing.is_none(),
        fields,
        removed: false,
    })
}

/// How a version's state would change.
pub(crate) fn of_state(before: &v1::Grant, after: &v1::Grant) -> v1::Difference {
    let word = |grant: &v1::Grant| words::word_of(&words::GRANT_STATES, grant.state).to_owned();
    let state = v1::FieldDifference {
        field: "state".to_owned(),
        before: word(before),
        after: word(after),
    };
    v1::Difference {
        item: format!("grant {} version {}", after.key(), after.version),
        fields: vec![state],
        ..v1::Difference::default()
    }
}

impl Fields for v1::Member {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("name_vi", self.name_vi.clone()),
            ("name_en", self.name_en.clone()),
            (
                "class",
                words::word_of(&words::CLASSES, self.class).to_owned(),
            ),
            (
                "state",
                words::word_of(&words::STATES, self.state).to_owned(),
            ),
            ("aliases", self.aliases.join(", ")),
            ("successor", self.successor.clone()),
        ]
    }

    fn sort_lists(&mut self) {
        self.aliases.sort_unstable();
    }
}

impl Fields for v1::System {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("kind", words::word_of(&words::KINDS, self.kind).to_owned()),
            ("name", self.name.clone()),
            ("endpoints", self.endpoints.join(", ")),
            ("fingerprints", self.fingerprints.join(", ")),
            (
                "state",
                words::word_of(&words::STATES, self.state).to_owned(),
            ),
            ("successor", self.successor.clone()),
            ("disabled", flag(self.disabled)),
            ("notice", self.notice.clone()),
            ("maintenance", windows(&self.maintenance)),
            (
                "rate_per_second_max",
                number(self.rate_per_second_max.into()),
            ),
            ("burst_max", number(self.burst_max.into())),
            ("concurrency_max", number(self.concurrency_max.into())),
            ("message_bytes_max", number(self.message_bytes_max)),
            ("metadata_bytes_max", number(self.metadata_bytes_max)),
            ("deadline_ms_max", number(self.deadline_ms_max)),
        ]
    }

    fn sort_lists(&mut self) {
        self.fingerprints.sort_unstable();
        self.maintenance.sort_by_key(|window| window.from_us);
    }
}

impl Fields for v1::Service {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("disabled", flag(self.disabled)),
            ("notice", self.notice.clone()),
            ("measures", self.measures.join(", ")),
            ("deadline_ms_max", number(self.deadline_ms_max)),
            ("maintenance", windows(&self.maintenance)),
            ("methods", self.methods.join(", ")),
            ("descriptors_sha256", hexadecimal(&self.descriptors_sha256)),
        ]
    }

    fn sort_lists(&mut self) {
        self.measures.sort_unstable();
        self.maintenance.sort_by_key(|window| window.from_us);
    }
}

impl Fields for v1::Grant {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("methods", self.methods.join(", ")),
            ("valid_from", instant(self.valid_from_us)),
            ("valid_until", instant(self.valid_until_us)),
            (
                "rate_per_second_max",
                number(self.rate_per_second_max.into()),
            ),
            ("burst_max", number(self.burst_max.into())),
            ("concurrency_max", number(self.concurrency_max.into())),
            ("message_bytes_max", number(self.message_bytes_max)),
            ("metadata_bytes_max", number(self.metadata_bytes_max)),
            ("deadline_ms_max", number(self.deadline_ms_max)),
            ("purpose", self.purpose.clone()),
            ("legal_basis", self.legal_basis.clone()),
            ("on_behalf_of", self.on_behalf_of.clone()),
        ]
    }

    fn sort_lists(&mut self) {
        self.methods.sort_unstable();
    }
}

fn flag(value: bool) -> String {
    if value {
        "true".to_owned()
    } else {
        String::new()
    }
}

/// `2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z (notice)`, each.
fn windows(windows: &[v1::MaintenanceWindow]) -> String {
    let told = windows.iter().map(|window| {
        let (from, until) = (instant(window.from_us), instant(window.until_us));
        match window.notice.as_str() {
            "" => format!("{from} to {until}"),
            notice => format!("{from} to {until} ({notice})"),
        }
    });
    told.collect::<Vec<_>>().join(", ")
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn number(value: u64) -> String {
    match value {
        0 => String::new(),
        value => value.to_string(),
    }
}

fn instant(micros: i64) -> String {
    match micros {
        0 => String::new(),
        micros => Instant::from_micros(micros).to_string(),
    }
}
