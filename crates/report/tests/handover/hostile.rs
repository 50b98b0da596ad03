//! Names that others have registered stay names in every form: no markup, no formula, no command
//! to a terminal.

use ndxp_proto::statistics::v1::GetReportResponse;
use ndxp_report::{ReportForm, render_report_table};

use crate::fixture::anchors;
use crate::markup::check_well_formed;
use crate::workbook::{cells, unzipped};
use crate::{LANGUAGES, rendered};

const SCRIPT: &str = "<script>alert(\"x\")</script>";
const FORMULA: &str = "=HYPERLINK(\"http://x\";\"'a'\")";
const BREAKING: &str = "a\nb\r\n\u{1b}[31m|c| `d` *e* _f_ [g](h) \u{202e}";

/// Everything that comes from outside, in turn, is what an attacker would register.
fn hostile(name: &str) -> GetReportResponse {
    let mut report = anchors();
    for table in &mut report.tables {
        let counts = table.counts.as_mut().unwrap();
        for row in &mut counts.rows {
            if table.name != "days" && table.name != "months" {
                row.key = name.to_owned();
            }
            row.title = name.to_owned();
            for measure in &mut row.counts.as_mut().unwrap().measures {
                measure.name = name.to_owned();
            }
        }
        if let Some(opening) = &mut counts.opening {
            opening.sources = vec![name.to_owned()];
        }
    }
    for figure in &mut report.figures {
        figure.missing = vec![name.to_owned(); 2];
        figure.opening_sources = vec![name.to_owned()];
        if figure.name.contains(':') {
            figure.title_vi = name.to_owned();
            figure.title_en = name.to_owned();
            figure.unit = name.to_owned();
            figure.name = format!("transactions_month:{name}");
        }
    }
    report
}

#[test]
fn no_name_is_markup_in_a_page() {
    for name in [
        SCRIPT,
        FORMULA,
        BREAKING,
        "</title></svg>",
        "'\" onload=\"x",
        "]]>&amp;",
    ] {
        for (_, language) in LANGUAGES {
            let page = rendered(&hostile(name), ReportForm::Html, language);
            check_well_formed(&page);
            assert!(!page.contains("<script"), "{name}");
            assert!(!page.contains("alert(\""), "{name}");
        }
    }
}

#[test]
fn no_name_is_markup_in_markdown() {
    for (_, language) in LANGUAGES {
        let text = rendered(&hostile(SCRIPT), ReportForm::Markdown, language);
        assert!(!text.contains('<'), "{text}");
        assert!(text.contains("&lt;script&gt;"));
        let text = rendered(&hostile(BREAKING), ReportForm::Markdown, language);
        assert!(
            text.contains("\\|c\\| \\`d\\` \\*e\\* \\_f\\_ \\[g\\](h)"),
            "{text}"
        );
        let columns = |line: &str| line.replace("\\|", "").matches('|').count();
        let tables: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
        for pair in tables.windows(2) {
            let breaks = pair[1].starts_with("| :---") || pair[0].starts_with("| :---");
            assert!(!breaks || columns(pair[0]) == columns(pair[1]), "{pair:?}");
        }
    }
}

#[test]
fn no_name_breaks_a_line_or_moves_the_cursor_in_text() {
    for (_, language) in LANGUAGES {
        for form in [ReportForm::Text, ReportForm::Table, ReportForm::Markdown] {
            let text = rendered(&hostile(BREAKING), form, language);
            let unseen = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.contains(unseen), "{text}");
            assert!(!text.contains("\nb"), "{text}");
        }
    }
}

#[test]
fn no_name_is_a_formula_in_csv() {
    let report = hostile(FORMULA);
    let (_, language) = LANGUAGES[0];
    let whole = rendered(&report, ReportForm::Csv, language);
    let connections = render_report_table(&report, "connections").unwrap();
    let services = render_report_table(&report, "services").unwrap();
    for text in [whole, connections, services] {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().unwrap().clone();
        let rows = reader.records().map(|row| row.unwrap());
        for cell in rows
            .chain([header])
            .flat_map(|row| row.iter().map(str::to_owned).collect::<Vec<_>>())
        {
            let number = cell.parse::<f64>().is_ok();
            let formula = cell.starts_with(['=', '+', '@', '\t', '\r']);
            let negative = cell.starts_with('-') && cell.len() > 1;
            assert!(number || (!formula && !negative), "{cell}");
        }
    }
}

#[test]
fn no_name_is_a_formula_in_a_workbook() {
    for name in [FORMULA, SCRIPT, BREAKING] {
        let files = unzipped(&hostile(name), LANGUAGES[0].1);
        for (file, text) in &files {
            assert!(!text.contains("<f>"), "{file} holds a formula");
            assert!(!text.contains("<hyperlink"), "{file} holds a link");
        }
        let all = cells(&files);
        assert!(all.contains("HYPERLINK") || name != FORMULA, "{all}");
    }
}
