//! The catalogue file: TOML, written by a person, read whole and with all of its errors.
//!
//! The document is walked as a tree whose keys and values know their places, so that every error
//! names its line and one error does not hide the next.

use ndxp_model::Zone;
use ndxp_proto::registry::v1;
use toml::de::DeTable;

use crate::check;
use crate::limits::FILE_BYTES_MAX;
use crate::problem::{CatalogueErrors, ItemKind, Problem};
use crate::words;

mod source;
mod table;
mod when;

use source::Source;
use table::Table;
use when::End;

const KINDS: [ItemKind; 4] = [
    ItemKind::Member,
    ItemKind::System,
    ItemKind::Service,
    ItemKind::Grant,
];

/// Reads a catalogue file. Dates are cut in the zone: a grant's `valid_from` given as a date is
/// the start of that day, its `valid_until` the end of it. References to items that the file does
/// not hold are left to [`crate::Registry::plan`].
///
/// # Errors
/// Everything that is wrong with the file, in its order.
pub fn parse_catalogue(
    file_name: &str,
    text: &str,
    zone: &Zone,
) -> Result<v1::Catalogue, CatalogueErrors> {
    let mut source = Source::new(file_name, text, zone);
    if text.len() > FILE_BYTES_MAX {
        source.refuse_file(Problem::FileTooLarge {
            bytes: text.len(),
            max: FILE_BYTES_MAX,
        });
        let refused = source.into_errors(&v1::Catalogue::default());
        return Err(CatalogueErrors::of(refused));
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What a damaged document still seems to say is no ground for further errors.
        for error in errors {
            source.refuse_syntax(&error);
        }
        let refused = source.into_errors(&v1::Catalogue::default());
        return Err(CatalogueErrors::of(refused));
    }
    let catalogue = read_document(&mut source, document.get_ref());
    let completed = check::completed(&catalogue, |_| None, |_| None, |_, _| None);
    let mut errors = check::check(&completed, &source);
    errors.extend(source.into_errors(&catalogue));
    CatalogueErrors::none_of(errors)?;
    Ok(catalogue)
}

fn read_document(source: &mut Source<'_>, document: &DeTable<'_>) -> v1::Catalogue {
    for (key, _) in document {
        if !KINDS.iter().any(|kind| kind.as_str() == key.get_ref()) {
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

const MEMBER_KEYS: &[&str] = &["code", "name_vi", "name_en", "class", "state"];

fn read_member(table: &mut Table<'_, '_, '_>) -> v1::Member {
    v1::Member {
        code: table.required_text("code", "the member's code, such as H26"),
        name_vi: table.required_text("name_vi", "the member's name in Vietnamese"),
        name_en: table.text("name_en"),
        class: table.required_word("class", &words::CLASSES),
        state: table.word("state", &words::STATES),
        ..v1::Member::default()
    }
}

const SYSTEM_KEYS: &[&str] = &["id", "kind", "name", "endpoints", "fingerprints", "state"];

fn read_system(table: &mut Table<'_, '_, '_>) -> v1::System {
    v1::System {
        id: table.required_text("id", "member/system, such as H26/lgsp"),
        kind: table.required_word("kind", &words::KINDS),
        name: table.text("name"),
        endpoints: table.texts("endpoints"),
        fingerprints: table.texts("fingerprints"),
        state: table.word("state", &words::STATES),
        ..v1::System::default()
    }
}

const SERVICE_KEYS: &[&str] = &[
    "provider",
    "name",
    "disabled",
    "notice",
    "measures",
    "deadline_ms_max",
];

fn read_service(table: &mut Table<'_, '_, '_>) -> v1::Service {
    v1::Service {
        provider: table.required_text("provider", "the system that offers the service"),
        name: table.required_text("name", "the full name of the gRPC service"),
        disabled: table.flag("disabled"),
        notice: table.text("notice"),
        measures: table.texts("measures"),
        deadline_ms_max: table.number("deadline_ms_max", u64::MAX),
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
    "concurrency_max",
];

fn read_grant(table: &mut Table<'_, '_, '_>) -> v1::Grant {
    v1::Grant {
        id: String::new(),
        consumer: table.required_text("consumer", "the system that may call"),
        provider: table.required_text("provider", "the system that offers the service"),
        service: table.required_text("service", "the full name of the gRPC service"),
        methods: table.texts("methods"),
        valid_from_us: table.instant("valid_from", End::From),
        valid_until_us: table.instant("valid_until", End::Until),
        rate_per_second_max: table.number("rate_per_second_max", u32::MAX),
        concurrency_max: table.number("concurrency_max", u32::MAX),
        ..v1::Grant::default()
    }
}

#[cfg(test)]
mod tests;
