//! Every textual form, for a full month, a first morning and an empty journal.

use ndxp_report::{Explained, ReportForm, render_explanation, render_report_table};

use crate::fixture::{anchors, first_morning, nothing};
use crate::markup::check_well_formed;
use crate::{LANGUAGES, check, rendered};

/// Rows 1 to 16 of the anchors stand in the paragraph, the exact numbers beside the phrases.
#[test]
fn a_report_is_the_same_in_both_languages_to_the_letter() {
    let forms = [
        (ReportForm::Text, "txt"),
        (ReportForm::Markdown, "md"),
        (ReportForm::Html, "html"),
    ];
    for (name, language) in LANGUAGES {
        for (form, extension) in forms {
            let text = rendered(&anchors(), form, language);
            check(&format!("report.{name}.{extension}"), &text);
        }
        let table = rendered(&anchors(), ReportForm::Table, language);
        check(&format!("figures.{name}.txt"), &table);
    }
    let (_, language) = LANGUAGES[0];
    check(
        "report.json",
        &rendered(&anchors(), ReportForm::Json, language),
    );
    check(
        "report.csv",
        &rendered(&anchors(), ReportForm::Csv, language),
    );
}

#[test]
fn the_paragraph_says_every_row_that_reports_cite() {
    let text = rendered(&anchors(), ReportForm::Text, LANGUAGES[0].1);
    let rows = [
        (1, "hơn 10,3 triệu (10.385.415) giao dịch"),
        (2, "hơn 553,9 triệu (553.969.478) giao dịch"),
        (
            2,
            "trong đó hơn 543,5 triệu (543.584.063) giao dịch kế thừa từ nền tảng trước",
        ),
        (
            3,
            "trung bình hằng ngày có khoảng 1,7 triệu (1.694.123) giao dịch",
        ),
        (4, "hệ thống của 90 cơ quan, đơn vị"),
        (5, "85 LGSP của bộ, ngành, địa phương"),
        (6, "10 cơ sở dữ liệu và 08 hệ thống thông tin"),
        (7, "22/22 bộ, cơ quan ngang bộ (đạt tỷ lệ 100%)"),
        (7, "63/63 tỉnh, thành phố (đạt tỷ lệ 100%)"),
        (8, "620.830 văn bản (gửi: 135.164; nhận: 485.666)"),
        (
            9,
            "Trong 7 tháng đầu năm 2022, số văn bản gửi, nhận là hơn 3,5 triệu (3.560.000)",
        ),
        (
            10,
            "Từ khi khai trương (12/3/2019) đến nay, số văn bản gửi, nhận là hơn 13,1 triệu",
        ),
        (11, "hơn 307,4 tỷ (307.412.345.678) đồng"),
        (11, "hơn 324,5 nghìn (324.567) hồ sơ"),
        (12, "lũy kế có hơn 3,7 triệu (3.740.350) giao dịch"),
        (13, "hơn 47 triệu (47.000.001) hồ sơ"),
        (14, "tăng 1,49 lần so với cùng kỳ năm 2021"),
        (15, "giảm 16,6% so với 22 ngày đầu tháng 6/2022"),
        (15, "tăng 20,0% so với cùng kỳ năm 2021"),
        (
            16,
            "Năm 2021, tổng số giao dịch là hơn 180,9 triệu (180.919.031) giao dịch",
        ),
        (
            16,
            "trung bình hằng ngày có khoảng 495,7 nghìn (495.668) giao dịch",
        ),
    ];
    let (paragraphs, _) = text.split_once("Các bảng số liệu").expect("tables follow");
    for (row, words) in rows {
        assert!(
            paragraphs.contains(words),
            "row {row}: {words}\n{paragraphs}"
        );
    }
}

#[test]
fn a_whole_month_is_compared_with_the_whole_month_before() {
    let mut report = anchors();
    let end = crate::fixture::at("2022-08-01").as_micros();
    for figure in &mut report.figures {
        figure.proof.as_mut().unwrap().to_us = end;
        if let Some(base) = figure
            .comparison
            .as_mut()
            .and_then(|it| it.base_proof.as_mut())
        {
            base.to_us = crate::fixture::at("2022-07-01").as_micros();
        }
    }
    let text = rendered(&report, ReportForm::Text, LANGUAGES[0].1);
    assert!(
        text.contains("giảm 16,6% so với tháng 6/2022, tăng 20,0%"),
        "{text}"
    );
    let text = rendered(&report, ReportForm::Text, LANGUAGES[1].1);
    assert!(
        text.contains("down 16.6% against June 2022, up 20.0%"),
        "{text}"
    );
}

#[test]
fn a_report_of_little_or_nothing_stands_by_itself() {
    for (name, language) in LANGUAGES {
        let text = rendered(&first_morning(), ReportForm::Text, language);
        check(&format!("report-first-morning.{name}.txt"), &text);
        let text = rendered(&nothing(), ReportForm::Text, language);
        check(&format!("report-empty-journal.{name}.txt"), &text);
        for form in [ReportForm::Markdown, ReportForm::Json, ReportForm::Csv] {
            rendered(&nothing(), form, language);
        }
        check_well_formed(&rendered(&nothing(), ReportForm::Html, language));
        check_well_formed(&rendered(&first_morning(), ReportForm::Html, language));
    }
}

#[test]
fn a_page_is_well_formed_and_needs_nothing_else() {
    for (_, language) in LANGUAGES {
        let page = rendered(&anchors(), ReportForm::Html, language);
        check_well_formed(&page);
        assert_eq!(page.matches("<svg ").count(), 3);
        assert_eq!(page.matches("role=\"img\"").count(), 3);
        let outside = page.replace("http://www.w3.org/", "");
        for forbidden in [
            "<script", "http:", "https:", "src=", "href=", "url(", "@import",
        ] {
            assert!(!outside.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains("@media print"));
    }
}

#[test]
fn an_answer_is_explained_in_lines() {
    let report = anchors();
    let figure = |name: &str| report.figures.iter().find(|it| it.name == name).unwrap();
    for (name, language) in LANGUAGES {
        let explain = |what: Explained<'_>| render_explanation(what, language).unwrap();
        let launch = figure("transactions_since_launch");
        let change = figure("transactions_month_change_previous");
        let untold = figure("documents_month_change_previous");
        let missing = figure("members_connected");
        let figures = [launch, change, untold, missing].map(|it| explain(it.into()));
        check(&format!("explain-figures.{name}.txt"), &figures.join("\n"));
        let months = report.tables[1].counts.as_ref().unwrap();
        check(
            &format!("explain-counts.{name}.txt"),
            &explain(months.into()),
        );
    }
}

#[test]
fn one_table_alone_is_printed_as_csv() {
    let report = anchors();
    check(
        "report-months.csv",
        &render_report_table(&report, "months").unwrap(),
    );
    check(
        "report-connections.csv",
        &render_report_table(&report, "connections").unwrap(),
    );
    assert_eq!(
        render_report_table(&report, "connection")
            .unwrap_err()
            .to_string(),
        "the report has no table \"connection\"; the nearest is connections; there are: days, \
         months, outcomes, connections, services, documents"
    );
}
