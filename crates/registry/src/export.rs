//! What stands, as a catalogue: of the contract, and as the text of a file. Applying it, pruning
//! or not, changes nothing.

use std::fmt::Write as _;

use ndxp_model::Instant;
use ndxp_proto::registry::v1;

use crate::file::CatalogueFormat;
use crate::fold::Registry;
use crate::plan::terms;
use crate::problem::ItemKind;
use crate::words;

impl Registry {
    /// Members, systems, services, and the active grants whose sides have not ended, each without
    /// what the registry gives by itself.
    #[must_use]
    pub fn export(&self) -> v1::Catalogue {
        let mut services = self.services();
        for service in &mut services {
            service.methods.clear();
            service.descriptors_sha256.clear();
        }
        let active = |grant: &v1::Grant| {
            grant.state() == v1::GrantState::Active && !self.has_shut_side(grant)
        };
        let grants = self.grants().into_iter().filter(active);
        v1::Catalogue {
            members: self.members(),
            systems: self.systems(),
            services,
            grants: grants.map(|grant| terms(&grant)).collect(),
        }
    }
}

/// One value of a file.
enum Value {
    Text(String),
    Texts(Vec<String>),
    Number(u64),
    Flag(bool),
    Tables(Vec<Vec<(&'static str, String)>>),
}

/// The catalogue as the text of a file. What is not set is left out.
#[must_use]
pub fn write_catalogue(catalogue: &v1::Catalogue, format: CatalogueFormat) -> String {
    let mut text = String::new();
    let members = catalogue.members.iter().map(member).collect();
    let systems = catalogue.systems.iter().map(system).collect();
    let services = catalogue.services.iter().map(service).collect();
    let grants = catalogue.grants.iter().map(grant).collect();
    let kinds: [(ItemKind, Vec<Item>); 4] = [
        (ItemKind::Member, members),
        (ItemKind::System, systems),
        (ItemKind::Service, services),
        (ItemKind::Grant, grants),
    ];
    for (kind, items) in kinds {
        match format {
            CatalogueFormat::Toml => toml(&mut text, kind, &items),
            CatalogueFormat::Yaml => yaml(&mut text, kind, &items),
        }
    }
    text
}

type Item = Vec<(&'static str, Value)>;

fn member(member: &v1::Member) -> Item {
    let word = words::word_of(&words::CLASSES, member.class).to_owned();
    vec![
        ("code", Value::Text(member.code.clone())),
        ("name_vi", Value::Text(member.name_vi.clone())),
        ("name_en", Value::Text(member.name_en.clone())),
        ("class", Value::Text(word)),
        ("state", state(member.state)),
        ("aliases", Value::Texts(member.aliases.clone())),
        ("successor", Value::Text(member.successor.clone())),
    ]
}

fn system(system: &v1::System) -> Item {
    let word = words::word_of(&words::KINDS, system.kind).to_owned();
    vec![
        ("id", Value::Text(system.id.clone())),
        ("kind", Value::Text(word)),
        ("name", Value::Text(system.name.clone())),
        ("endpoints", Value::Texts(system.endpoints.clone())),
        ("fingerprints", Value::Texts(system.fingerprints.clone())),
        ("state", state(system.state)),
        ("successor", Value::Text(system.successor.clone())),
        ("disabled", Value::Flag(system.disabled)),
        ("notice", Value::Text(system.notice.clone())),
        ("maintenance", windows(&system.maintenance)),
        (
            "rate_per_second_max",
            Value::Number(system.rate_per_second_max.into()),
        ),
        ("burst_max", Value::Number(system.burst_max.into())),
        (
            "concurrency_max",
            Value::Number(system.concurrency_max.into()),
        ),
        ("message_bytes_max", Value::Number(system.message_bytes_max)),
        (
            "metadata_bytes_max",
            Value::Number(system.metadata_bytes_max),
        ),
        ("deadline_ms_max", Value::Number(system.deadline_ms_max)),
    ]
}

fn service(service: &v1::Service) -> Item {
    vec![
        ("provider", Value::Text(service.provider.clone())),
        ("name", Value::Text(service.name.clone())),
        ("disabled", Value::Flag(service.disabled)),
        ("notice", Value::Text(service.notice.clone())),
        ("measures", Value::Texts(service.measures.clone())),
        ("deadline_ms_max", Value::Number(service.deadline_ms_max)),
        ("maintenance", windows(&service.maintenance)),
    ]
}

fn grant(grant: &v1::Grant) -> Item {
    vec![
        ("consumer", Value::Text(grant.consumer.clone())),
        ("provider", Value::Text(grant.provider.clone())),
        ("service", Value::Text(grant.service.clone())),
        ("methods", Value::Texts(grant.methods.clone())),
        ("valid_from", Value::Text(instant(grant.valid_from_us))),
        ("valid_until", Value::Text(instant(grant.valid_until_us))),
        (
            "rate_per_second_max",
            Value::Number(grant.rate_per_second_max.into()),
        ),
        ("burst_max", Value::Number(grant.burst_max.into())),
        (
            "concurrency_max",
            Value::Number(grant.concurrency_max.into()),
        ),
        ("message_bytes_max", Value::Number(grant.message_bytes_max)),
        (
            "metadata_bytes_max",
            Value::Number(grant.metadata_bytes_max),
        ),
        ("deadline_ms_max", Value::Number(grant.deadline_ms_max)),
        ("purpose", Value::Text(grant.purpose.clone())),
        ("legal_basis", Value::Text(grant.legal_basis.clone())),
        ("on_behalf_of", Value::Text(grant.on_behalf_of.clone())),
    ]
}

fn state(number: i32) -> Value {
    Value::Text(words::word_of(&words::STATES, number).to_owned())
}

fn instant(micros: i64) -> String {
    match micros {
        0 => String::new(),
        micros => Instant::from_micros(micros).to_string(),
    }
}

fn windows(windows: &[v1::MaintenanceWindow]) -> Value {
    let table = |window: &v1::MaintenanceWindow| {
        vec![
            ("from", instant(window.from_us)),
            ("until", instant(window.until_us)),
            ("notice", window.notice.clone()),
        ]
    };
    Value::Tables(windows.iter().map(table).collect())
}

fn toml(text: &mut String, kind: ItemKind, items: &[Item]) {
    for item in items {
        if !text.is_empty() {
            text.push('\n');
        }
        let _ = writeln!(text, "[[{kind}]]");
        for (key, value) in item {
            if let Some(value) = flow(value, " = ") {
                let _ = writeln!(text, "{key} = {value}");
            }
        }
    }
}

fn yaml(text: &mut String, kind: ItemKind, items: &[Item]) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(text, "{kind}:");
    for item in items {
        let mut mark = "-";
        for (key, value) in item {
            if let Some(value) = flow(value, ": ") {
                let _ = writeln!(text, "  {mark} {key}: {value}");
                mark = " ";
            }
        }
    }
}

/// A value as both languages write it in one line; `None` for one that is not set.
fn flow(value: &Value, between: &str) -> Option<String> {
    match value {
        Value::Text(text) => (!text.is_empty()).then(|| quoted(text)),
        Value::Number(number) => (*number > 0).then(|| number.to_string()),
        Value::Flag(flag) => flag.then(|| "true".to_owned()),
        Value::Texts(texts) => (!texts.is_empty()).then(|| {
            let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
            format!("[{}]", texts.join(", "))
        }),
        Value::Tables(tables) => (!tables.is_empty()).then(|| {
            let table = |table: &Vec<(&'static str, String)>| {
                let fields = table.iter().filter(|(_, text)| !text.is_empty());
                let fields = fields.map(|(key, text)| format!("{key}{between}{}", quoted(text)));
                format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
            };
            let tables: Vec<String> = tables.iter().map(table).collect();
            format!("[{}]", tables.join(", "))
        }),
    }
}

/// In double quotes, which both languages read alike.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if is_plain(c) => quoted.push(c),
            c => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(c));
            }
        }
    }
    quoted.push('"');
    quoted
}

/// Whether both languages take the character as it is.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

#[cfg(test)]
mod tests;
