//! Catalogue files: TOML or YAML, written by a person, read whole and with all of their errors.
//!
//! The document is walked as a tree whose keys and values know their places, so that every error
//! names its line and one error does not hide the next.

use ndxp_model::Zone;
use ndxp_proto::registry::v1;

use crate::check;
use crate::limits::FILE_BYTES_MAX;
use crate::problem::{CatalogueErrors, ItemKind, Problem};
use crate::words;

mod lines;
mod source;
mod table;
mod toml;
mod tree;
mod when;
mod yaml;

pub use lines::Lines;

use lines::Sources;
use source::Source;
use table::Table;
use when::End;

const KINDS: [ItemKind; 4] = [
    ItemKind::Member,
    ItemKind::System,
    ItemKind::Service,
    ItemKind::Grant,
];

/// The language of a catalogue file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CatalogueFormat {
    Toml,
    Yaml,
}

/// A file that was read, not yet understood.
#[derive(Clone, Copy, Debug)]
pub struct CatalogueFile<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

/// What files say together, and where they say it.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub catalogue: v1::Catalogue,
    pub lines: Lines,
}

impl CatalogueFormat {
    /// YAML for a name that ends in `.yaml` or `.yml`, and TOML for every other.
    #[must_use]
    pub fn of(file_name: &str) -> Self {
        match file_name.rsplit_once('.') {
            Some((_, "yaml" | "yml")) => Self::Yaml,
            _ => Self::Toml,
        }
    }

    /// Its name, and what is wanted of a file in it.
    const fn language(self) -> (&'static str, &'static str) {
        match self {
            Self::Toml => ("TOML", "write TOML 1.0"),
            Self::Yaml => ("YAML", "write YAML 1.2"),
        }
    }
}

/// Reads one catalogue file: [`parse_catalogues`] of it alone.
///
/// # Errors
/// Everything that is wrong with the file, in its order.
pub fn parse_catalogue(
    file_name: &str,
    text: &str,
    zone: &Zone,
) -> Result<v1::Catalogue, CatalogueErrors> {
    let file = CatalogueFile {
        name: file_name,
        text,
    };
    Ok(parse_catalogues(&[file], zone)?.catalogue)
}

/// Reads catalogue files as one catalogue. Dates are cut in the zone: a grant's `valid_from` given
/// as a date is the start of that day, its `valid_until` the end of it. References to items that
/// the files do not hold are left to [`crate::Registry::plan_act`].
///
/// # Errors
/// Everything that is wrong with the files, in their order.
pub fn parse_catalogues(
    files: &[CatalogueFile<'_>],
    zone: &Zone,
) -> Result<Parsed, CatalogueErrors> {
    let mut catalogue = v1::Catalogue::default();
    let mut sources = Vec::with_capacity(files.len());
    let mut is_sound = true;
    for file in files {
        let before = KINDS.map(|kind| (kind, count(&catalogue, kind)));
        let mut source = Source::new(file.name, file.text, zone, before.into());
        match read_file(&mut source, file) {
            Some(read) => append(&mut catalogue, read),
            None => is_sound = false,
        }
        sources.push(source);
    }
    let mut errors = Vec::new();
    for source in &mut sources {
        errors.extend(source.take_errors(&catalogue));
    }
    let sources = Sources(sources);
    if is_sound {
        let completed = check::completed(&catalogue, |_| None, |_| None, |_, _| None);
        let mut found = check::check(&completed, &sources);
        found.append(&mut errors);
        errors = found;
    }
    CatalogueErrors::none_of(errors)?;
    let lines = Lines::of(&sources, &catalogue);
    Ok(Parsed { catalogue, lines })
}

/// `None` when what a damaged document still seems to say is no ground for further errors.
fn read_file(source: &mut Source<'_>, file: &CatalogueFile<'_>) -> Option<v1::Catalogue> {
    let (bytes, max) = (file.text.len(), FILE_BYTES_MAX);
    if bytes > max {
        source.refuse_file(Problem::FileTooLarge { bytes, max });
        return None;
    }
    let read = match CatalogueFormat::of(file.name) {
        CatalogueFormat::Toml => toml::read(file.text),
        CatalogueFormat::Yaml => yaml::read(file.text),
    };
    match read {
        Ok(document) => Some(read_document(source, &document)),
        Err(errors) => {
            for error in errors {
                source.refuse_syntax(error);
            }
            None
        }
    }
}

fn count(catalogue: &v1::Catalogue, kind: ItemKind) -> usize {
    match kind {
        ItemKind::Member => catalogue.members.len(),
        ItemKind::System => catalogue.systems.len(),
        ItemKind::Service => catalogue.services.len(),
        ItemKind::Grant => catalogue.grants.len(),
    }
}

fn append(catalogue: &mut v1::Catalogue, read: v1::Catalogue) {
    catalogue.members.extend(read.members);
    catalogue.systems.extend(read.systems);
    catalogue.services.extend(read.services);
    catalogue.grants.extend(read.grants);
}

fn read_document(source: &mut Source<'_>, document: &tree::Table) -> v1::Catalogue {
    for (key, _) in document {
        if !KINDS.iter().any(|kind| kind.as_str() == key.text) {
            source.refuse_key(None, key, &KINDS.map(ItemKind::as_str));
        }
    }
    v1::Catalogue {
        members: table::items(source, document, ItemKind::Member, MEMBER_KEYS, read_member),
        systems: table::items(source, document, ItemKind::System, SYSTEM_KEYS, read_system),
        services: table::items(
            source,
            document,
            ItemKind::Service,
            SERVICE_KEYS,
            read_service,
        ),
        grants: table::items(source, document, ItemKind::Grant, GRANT_KEYS, read_grant),
    }
}

const MEMBER_KEYS: &[&str] = &[
    "code",
    "name_vi",
    "name_en",
    "class",
    "state",
    "aliases",
    "successor",
];

fn read_member(table: &mut Table<'_, '_>) -> v1::Member {
    v1::Member {
        code: table.required_text("code", "the member's code, such as H26"),
        name_vi: table.required_text("name_vi", "the member's name in Vietnamese"),
        name_en: table.text("name_en"),
        class: table.required_word("class", &words::CLASSES),
        state: table.word("state", &words::STATES),
        aliases: table.texts("aliases"),
        successor: table.text("successor"),
    }
}

const SYSTEM_KEYS: &[&str] = &[
    "id",
    "kind",
    "name",
    "endpoints",
    "fingerprints",
    "state",
    "successor",
    "disabled",
    "notice",
    "maintenance",
    "rate_per_second_max",
    "burst_max",
    "concurrency_max",
    "message_bytes_max",
    "metadata_bytes_max",
    "deadline_ms_max",
];

fn read_system(table: &mut Table<'_, '_>) -> v1::System {
    v1::System {
        id: table.required_text("id", "member/system, such as H26/lgsp"),
        kind: table.required_word("kind", &words::KINDS),
        name: table.text("name"),
        endpoints: table.texts("endpoints"),
        fingerprints: table.texts("fingerprints"),
        state: table.word("state", &words::STATES),
        successor: table.text("successor"),
        disabled: table.flag("disabled"),
        notice: table.text("notice"),
        maintenance: table.windows("maintenance"),
        rate_per_second_max: table.number("rate_per_second_max", u32::MAX),
        burst_max: table.number("burst_max", u32::MAX),
        concurrency_max: table.number("concurrency_max", u32::MAX),
        message_bytes_max: table.number("message_bytes_max", u64::MAX),
        metadata_bytes_max: table.number("metadata_bytes_max", u64::MAX),
        deadline_ms_max: table.number("deadline_ms_max", u64::MAX),
    }
}

const SERVICE_KEYS: &[&str] = &[
    "provider",
    "name",
    "disabled",
    "notice",
    "measures",
    "deadline_ms_max",
    "maintenance",
];

fn read_service(table: &mut Table<'_, '_>) -> v1::Service {
    v1::Service {
        provider: table.required_text("provider", "the system that offers the service"),
        name: table.required_text("name", "the full name of the gRPC service"),
        disabled: table.flag("disabled"),
        notice: table.text("notice"),
        measures: table.texts("measures"),
        deadline_ms_max: table.number("deadline_ms_max", u64::MAX),
        maintenance: table.windows("maintenance"),
        ..v1::Service::default()
    }
}

const GRANT_KEYS: &[&str] = &[
    "consumer",
    "provider",
    "service",
    "methods",
    "valid_from",
    "valid_until",
    "rate_per_second_max",
    "burst_max",
    "concurrency_max",
    "message_bytes_max",
    "metadata_bytes_max",
    "deadline_ms_max",
    "purpose",
    "legal_basis",
    "on_behalf_of",
];

fn read_grant(table: &mut Table<'_, '_>) -> v1::Grant {
    v1::Grant {
        id: String::new(),
        consumer: table.required_text("consumer", "the system that may call"),
        provider: table.required_text("provider", "the system that offers the service"),
        service: table.required_text("service", "the full name of the gRPC service"),
        methods: table.texts("methods"),
        valid_from_us: table.instant("valid_from", End::From),
        valid_until_us: table.instant("valid_until", End::Until),
        rate_per_second_max: table.number("rate_per_second_max", u32::MAX),
        burst_max: table.number("burst_max", u32::MAX),
        concurrency_max: table.number("concurrency_max", u32::MAX),
        message_bytes_max: table.number("message_bytes_max", u64::MAX),
        metadata_bytes_max: table.number("metadata_bytes_max", u64::MAX),
        deadline_ms_max: table.number("deadline_ms_max", u64::MAX),
        purpose: table.text("purpose"),
        legal_basis: table.text("legal_basis"),
        on_behalf_of: table.text("on_behalf_of"),
        ..v1::Grant::default()
    }
}

#[cfg(test)]
mod tests;
