//! How many are connected of those who could be, and who is missing: for people, a line for each
//! class of members and kind of systems; for programs, all of it.

use comfy_table::Table;
use ndxp_proto::registry::v1::{ClassCoverage, GetCoverageResponse, KindCoverage, MemberClass};
use serde_json::{Value, json};

use crate::output::{table, trimmed, word};

/// One line of the answer.
struct Row<'a> {
    /// `member` or `system`.
    of: &'static str,
    name: String,
    registered: u64,
    connected: u64,
    missing: &'a [String],
}

fn rows(coverage: &GetCoverageResponse) -> Vec<Row<'_>> {
    let classes = coverage.classes.iter().map(of_class);
    let total = coverage.total.iter().map(of_class);
    let kinds = coverage.kinds.iter().map(of_kind);
    classes.chain(total).chain(kinds).collect()
}

fn of_class(coverage: &ClassCoverage) -> Row<'_> {
    let name = match coverage.class() {
        MemberClass::Unspecified => "all".to_owned(),
        class => word(class.as_str_name(), "MEMBER_CLASS_"),
    };
    Row {
        of: "member",
        name,
        registered: coverage.registered,
        connected: coverage.connected,
        missing: &coverage.missing,
    }
}

fn of_kind(coverage: &KindCoverage) -> Row<'_> {
    Row {
        of: "system",
        name: word(coverage.kind().as_str_name(), "SYSTEM_KIND_"),
        registered: coverage.registered,
        connected: coverage.connected,
        missing: &coverage.missing,
    }
}

pub fn text(coverage: &GetCoverageResponse) -> String {
    trimmed(&columns(coverage))
}

fn columns(coverage: &GetCoverageResponse) -> Table {
    const HEADINGS: [&str; 4] = ["OF", "CONNECTED", "SHARE", "MISSING"];
    let mut table = table(&HEADINGS, HEADINGS.len());
    table.add_rows(rows(coverage).into_iter().map(|row| {
        [
            format!("{} {}", row.of, row.name),
            format!("{}/{}", row.connected, row.registered),
            share(&row),
            // The total's list is that of the lines above it.
            match row.name.as_str() {
                "all" => String::new(),
                _ => row.missing.join(" "),
            },
        ]
    }));
    table
}

/// In per cent with one decimal, cut and never rounded up: 100 % means that nobody is missing.
fn share(row: &Row<'_>) -> String {
    let thousands = u128::from(row.connected) * 1_000;
    match thousands.checked_div(u128::from(row.registered)) {
        None => "-".to_owned(),
        Some(share) => format!("{}.{} %", share / 10, share % 10),
    }
}

pub fn record(coverage: &GetCoverageResponse) -> Value {
    let rows: Vec<Value> = rows(coverage)
        .into_iter()
        .map(|row| {
            json!({
                "of": row.of,
                "name": row.name,
                "registered": row.registered,
                "connected": row.connected,
                "missing": row.missing,
            })
        })
        .collect();
    json!({ "coverage": rows, "watermark": coverage.watermark })
}

#[cfg(test)]
mod tests {
    use ndxp_proto::registry::v1::SystemKind;

    use super::*;

    #[test]
    fn a_share_is_never_rounded_up_and_the_missing_are_named() {
        let class = |class: MemberClass, registered, connected, missing: &[&str]| ClassCoverage {
            class: class.into(),
            registered,
            connected,
            missing: missing.iter().map(|&code| code.to_owned()).collect(),
        };
        let coverage = GetCoverageResponse {
            classes: vec![
                class(MemberClass::Province, 63, 62, &["H02"]),
                class(MemberClass::Ministry, 22, 22, &[]),
                class(MemberClass::Agency, 0, 0, &[]),
            ],
            kinds: vec![KindCoverage {
                kind: SystemKind::Lgsp.into(),
                registered: 2_000,
                connected: 1_999,
                missing: vec!["H02/lgsp".to_owned()],
            }],
            total: Some(class(MemberClass::Unspecified, 85, 84, &["H02"])),
            watermark: 7,
        };
        assert_eq!(
            text(&coverage),
            "\
OF               CONNECTED  SHARE    MISSING
member province  62/63      98.4 %   H02
member ministry  22/22      100.0 %
member agency    0/0        -
member all       84/85      98.8 %
system lgsp      1999/2000  99.9 %   H02/lgsp"
        );
    }
}
