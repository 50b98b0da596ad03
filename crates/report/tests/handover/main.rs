//! What readers are handed, to the letter: every form of a report is compared with a file in
//! `golden/`, in both languages. `UPDATE_GOLDEN=1 cargo test -p ndxp-report` writes them anew.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot run has failed"
)]

mod fixture;
mod forms;
mod hostile;
mod markup;
mod tables;
mod templates;
mod workbook;

use std::path::PathBuf;

use ndxp_proto::statistics::v1::GetReportResponse;
use ndxp_report::{Language, ReportForm, Templates, render_report};

#[track_caller]
fn check(name: &str, found: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).expect("the folder of golden files stands");
    }
    let wanted = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(found, wanted, "{name} differs; UPDATE_GOLDEN=1 rewrites it");
}

#[track_caller]
fn rendered(report: &GetReportResponse, form: ReportForm, language: Language) -> String {
    let bytes = render_report(report, form, language, &Templates::built_in()).unwrap();
    String::from_utf8(bytes).expect("a textual form")
}

const LANGUAGES: [(&str, Language); 2] = [("vi", Language::Vietnamese), ("en", Language::English)];
