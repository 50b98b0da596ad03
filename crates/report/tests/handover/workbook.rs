//! The workbook, read back: its sheets, and every cell as what it is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;

use ndxp_proto::statistics::v1::GetReportResponse;
use ndxp_report::{Language, ReportForm, Templates, render_report};

use crate::fixture::anchors;
use crate::{LANGUAGES, check};

/// The files in the workbook's zip, by name.
pub fn unzipped(report: &GetReportResponse, language: Language) -> BTreeMap<String, String> {
    let bytes = workbook(report, language);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        files.insert(file.name().to_owned(), text);
    }
    files
}

fn workbook(report: &GetReportResponse, language: Language) -> Vec<u8> {
    render_report(report, ReportForm::Xlsx, language, &Templates::built_in()).unwrap()
}

/// What stands between two marks, each time.
fn between<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start)
        .skip(1)
        .map(move |part| part.split(end).next().expect("a part"))
}

/// Sheet by sheet, each row a line, each cell as `A1 type value`: `n` a number, `s` text.
pub fn cells(files: &BTreeMap<String, String>) -> String {
    let strings: Vec<&str> = between(&files["xl/sharedStrings.xml"], "<si>", "</si>")
        .map(|item| {
            item.split('>')
                .nth(1)
                .unwrap_or("")
                .split('<')
                .next()
                .unwrap_or("")
        })
        .collect();
    let mut text = String::new();
    let names = between(&files["xl/workbook.xml"], "<sheet name=\"", "\"");
    for (number, name) in (1..).zip(names) {
        let sheet = &files[&format!("xl/worksheets/sheet{number}.xml")];
        let frozen = sheet.contains("state=\"frozen\"");
        let _ = writeln!(
            text,
            "# {name}{}",
            if frozen { ", header frozen" } else { "" }
        );
        for row in between(sheet, "<row ", "</row>") {
            let mut line = Vec::new();
            for cell in between(row, "<c r=\"", "</c>") {
                let place = cell.split('"').next().expect("a place");
                let value = between(cell, "<v>", "</v>").next().unwrap_or("");
                line.push(match cell.contains("t=\"s\"") {
                    true => {
                        let index: usize = value.parse().unwrap();
                        format!("{place} s {}", strings[index])
                    }
                    false => format!("{place} n {value}"),
                });
            }
            let _ = writeln!(text, "{}", line.join(" | "));
        }
    }
    text
}

#[test]
fn a_workbook_has_a_sheet_for_every_table_with_typed_cells() {
    for (name, language) in LANGUAGES {
        let files = unzipped(&anchors(), language);
        check(&format!("report.{name}.xlsx.txt"), &cells(&files));
    }
}

#[test]
fn the_same_report_is_the_same_bytes_and_holds_no_other_date_than_its_cut_off() {
    let once = workbook(&anchors(), LANGUAGES[0].1);
    let again = workbook(&anchors(), LANGUAGES[0].1);
    assert!(once == again, "two renderings differ");
    let files = unzipped(&anchors(), LANGUAGES[0].1);
    let core = &files["docProps/core.xml"];
    assert_eq!(core.matches("2022-07-22T17:00:00Z").count(), 2, "{core}");
}

#[test]
fn a_number_that_a_spreadsheet_would_round_is_text_in_full() {
    let files = unzipped(&anchors(), LANGUAGES[1].1);
    let all = cells(&files);
    assert!(
        all.contains(" s 55340232221128654853"),
        "3 * 2^64 + 5, exact"
    );
    assert!(all.contains(" n 2345000000000"), "a number below 2^53");
}
