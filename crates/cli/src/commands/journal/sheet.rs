//! An inspected journal, as people and programs read it. For people, segments of which nothing is
//! to be said are one line together: what is wrong must not be looked for.

use ndxp_journal::{Fault, Inspected, Inspection, Missing, Part, Seal, What};
use ndxp_model::{Instant, Sequence};
use serde_json::{Value, json};

use crate::output::{table, trimmed};

/// One line of the table.
#[derive(Clone, Debug)]
struct Row {
    file: String,
    place: String,
    what: String,
    first: Option<Sequence>,
    last: Option<Sequence>,
    from: Option<Instant>,
    to: Option<Instant>,
    /// A segment of which nothing is to be said.
    plain: bool,
}

pub fn text(found: &Inspected) -> String {
    const HEADINGS: [&str; 6] = ["FILE", "PLACE", "WHAT", "SEQUENCES", "FROM", "TO"];
    let mut table = table(&HEADINGS, HEADINGS.len());
    for row in rows(found) {
        let times = [row.from, row.to].map(|at| at.map_or("-".to_owned(), |at| at.to_string()));
        let [from, to] = times;
        let sequences = sequences(row.first, row.last);
        table.add_row([row.file, row.place, row.what, sequences, from, to]);
    }
    let mut lines = vec![trimmed(&table), String::new()];
    for segment in &found.segments {
        let faults = segment.faults.iter();
        lines.extend(faults.map(|fault| format!("{}: {}", name(segment), said(*fault))));
    }
    lines.push(conclusion(found));
    lines.join("\n")
}

fn conclusion(found: &Inspected) -> String {
    let readable = found.readable();
    if found.is_whole() {
        return format!("whole: {readable} entries can be read, and none is lost");
    }
    const REMEDY: &str = "restore the files from a backup; the hub never skips what is lost";
    match found.lost() {
        Some(0) => format!("NOT WHOLE: {readable} entries can be read, and none is lost; {REMEDY}"),
        Some(lost) => {
            format!("NOT WHOLE: {readable} entries can be read, {lost} are lost; {REMEDY}")
        }
        None => format!(
            "NOT WHOLE: {readable} entries can be read; how many are lost cannot be told; {REMEDY}"
        ),
    }
}

fn rows(found: &Inspected) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (index, segment) in found.segments.iter().enumerate() {
        let missing = found.missing.iter().filter(|(place, _)| *place == index);
        rows.extend(missing.map(|(_, missing)| row_of_missing(missing)));
        let plain = is_plain(segment);
        for part in &segment.parts {
            let row = Row {
                file: name(segment),
                place: format!("{} + {}", part.offset, part.bytes),
                what: word(part, segment.seal),
                first: part.first,
                last: part.last,
                from: part.from,
                to: part.to,
                plain,
            };
            match rows.last_mut() {
                Some(before) if before.plain && plain => {
                    let first = before.file.split(" to ").next().unwrap_or_default();
                    before.file = format!("{first} to {}", row.file);
                    before.place = "-".to_owned();
                    (before.last, before.to) = (row.last, row.to);
                }
                _ => rows.push(row),
            }
        }
    }
    rows
}

fn row_of_missing(missing: &Missing) -> Row {
    Row {
        file: "-".to_owned(),
        place: "-".to_owned(),
        what: "MISSING".to_owned(),
        first: Some(missing.first),
        last: Some(missing.last),
        from: missing.from,
        to: missing.to,
        plain: false,
    }
}

fn is_plain(segment: &Inspection) -> bool {
    let readable = segment.parts.iter().all(|it| it.what == What::Readable);
    segment.seal == Seal::Sealed && segment.faults.is_empty() && readable
}

fn word(part: &Part, seal: Seal) -> String {
    match (part.what, seal) {
        (What::Readable, Seal::Active) => "readable, active",
        (What::Readable, _) => "readable",
        (What::Lost { .. }, _) if part.first.is_none() => "no entry",
        (What::Lost { zeros: true }, _) => "LOST: zeros",
        (What::Lost { zeros: false }, _) => "LOST",
        (What::Torn, _) => "torn",
    }
    .to_owned()
}

fn sequences(first: Option<Sequence>, last: Option<Sequence>) -> String {
    match (first, last) {
        (Some(first), Some(last)) if first == last => first.to_string(),
        (Some(first), Some(last)) => format!("{first} to {last}"),
        (Some(first), None) => format!("from {first}"),
        _ => "-".to_owned(),
    }
}

/// Without the folder.
fn name(segment: &Inspection) -> String {
    let name = segment.file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

const fn said(fault: Fault) -> &'static str {
    match fault {
        Fault::Head => "its head is damaged; its name and the files beside it were believed",
        Fault::Version(_) => "it has the format of another version of ndxp",
        Fault::Footer => "its footer is damaged or missing",
        Fault::Cut => "it was cut short; how much stood behind cannot be told",
        Fault::Name => "its name does not say what it begins with",
        Fault::Foreign => "it belongs to another journal than the first one here",
        Fault::Unknown => {
            "which journal it belongs to is not known, so that no entry can be checked"
        }
    }
}

const fn fault_word(fault: Fault) -> &'static str {
    match fault {
        Fault::Head => "head_damaged",
        Fault::Version(_) => "unknown_version",
        Fault::Footer => "footer_damaged",
        Fault::Cut => "cut_short",
        Fault::Name => "misnamed",
        Fault::Foreign => "of_another_journal",
        Fault::Unknown => "journal_unknown",
    }
}

const fn seal_word(seal: Seal) -> &'static str {
    match seal {
        Seal::Active => "active",
        Seal::Sealed => "sealed",
        Seal::Broken => "broken",
    }
}

pub fn record(found: &Inspected) -> Value {
    let missing = found.missing.iter().map(|(place, missing)| {
        json!({
            "before": found.segments.get(*place).map(name),
            "first_sequence": missing.first.get(),
            "last_sequence": missing.last.get(),
            "from": missing.from.map(|at| at.to_string()),
            "to": missing.to.map(|at| at.to_string()),
        })
    });
    json!({
        "whole": found.is_whole(),
        "readable_entries": found.readable(),
        "lost_entries": found.lost(),
        "missing": missing.collect::<Vec<_>>(),
        "segments": found.segments.iter().map(segment).collect::<Vec<_>>(),
    })
}

fn segment(segment: &Inspection) -> Value {
    let parts = segment.parts.iter().map(|part| {
        let (what, zeros) = match part.what {
            What::Readable => ("readable", false),
            What::Lost { zeros } => ("lost", zeros),
            What::Torn => ("torn", false),
        };
        json!({
            "what": what,
            "zeros": zeros,
            "offset": part.offset,
            "bytes": part.bytes,
            "entries": part.entries(),
            "first_sequence": part.first.map(Sequence::get),
            "last_sequence": part.last.map(Sequence::get),
            "from": part.from.map(|at| at.to_string()),
            "to": part.to.map(|at| at.to_string()),
        })
    });
    let faults = segment.faults.iter().map(|fault| fault_word(*fault));
    json!({
        "file": segment.file.display().to_string(),
        "bytes": segment.bytes,
        "journal": segment.journal.map(|journal| journal.to_string()),
        "first_sequence": segment.first.map(Sequence::get),
        "seal": seal_word(segment.seal),
        "faults": faults.collect::<Vec<_>>(),
        "parts": parts.collect::<Vec<_>>(),
    })
}
