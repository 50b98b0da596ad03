//! An operator's own templates: they take the place of the program's, say what the report holds,
//! and are refused by name when they mention what does not exist.

use ndxp_report::{Language, ReportForm, TEMPLATE_BYTES_MAX, Templates, render_report};

use crate::fixture::anchors;

fn render(name: &str, source: &str) -> Result<String, String> {
    let mut templates = Templates::built_in();
    let replaced = templates.replace(name, source.to_owned());
    replaced.map_err(|error| error.to_string())?;
    let form = match name.ends_with("html") {
        true => ReportForm::Html,
        false => ReportForm::Text,
    };
    let bytes = render_report(&anchors(), form, Language::Vietnamese, &templates);
    Ok(String::from_utf8(bytes.map_err(|error| error.to_string())?).unwrap())
}

#[track_caller]
fn says(source: &str, wanted: &str) {
    assert_eq!(
        render("report.txt", source).as_deref(),
        Ok(wanted),
        "{source}"
    );
}

/// Refused, with each of the words in the error.
#[track_caller]
fn refused(source: &str, words: &[&str]) {
    let error = render("report.txt", source).expect_err(source);
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}

#[test]
fn a_template_says_every_way_of_a_figure() {
    let month = "{% set it = figure(\"transactions_month\") %}";
    says(&format!("{month}{{{{ it.value }}}}"), "10385415");
    says(&format!("{month}{{{{ it.grouped }}}}"), "10.385.415");
    says(&format!("{month}{{{{ it.phrase }}}}"), "hơn 10,3 triệu");
    says(&format!("{month}{{{{ it.about }}}}"), "khoảng 10,4 triệu");
    says(
        &format!("{month}{{{{ it.cited }}}}"),
        "hơn 10,3 triệu (10.385.415)",
    );
    says(
        &format!("{month}{{{{ it.proof.reached }}}}"),
        "hết ngày 22/7/2022",
    );
    says(
        "{{ figure('members_connected').missing|join(', ') }}",
        "E01, E02, E03, G30, G31",
    );
    says("{{ figure('coverage_lgsp_provinces').percent }}", "100%");
    says(
        "{{ figure('transactions_since_launch').opening.grouped }}",
        "543.584.063",
    );
    let change = "figure('transactions_month_change_previous').comparison";
    says(
        &format!("{{{{ {change}.percent }}}} {{{{ {change}.ratio }}}}"),
        "−16,6% 0,83",
    );
    says(
        "{{ table('days').rows|length }} {{ tables|length }}",
        "23 10",
    );
    says("{{ services[0].title }}", "Thanh toán trực tuyến");
    says(
        "{{ 1234567|grouped }} {{ 1234567|phrase }}",
        "1.234.567 hơn 1,2 triệu",
    );
    says(
        "{% for text in paragraphs %}{{ loop.index }}{% endfor %}",
        "123",
    );
}

#[test]
fn an_unknown_figure_is_answered_with_those_that_exist() {
    let list = [
        "transactions_month, ",
        "documents_month, ",
        "measure_<measure>_month:<service>",
    ];
    let place = [
        "template report.txt, line 2:",
        "\"transactions_mounth\"",
        "nearest is transactions_month;",
    ];
    let wanted = [place.as_slice(), &list].concat();
    refused("a\n{{ figure(\"transactions_mounth\").value }}", &wanted);
    refused(
        "a\n{% if false %}{{ figure('transactions_mounth') }}{% endif %}",
        &wanted,
    );
    let computed = "a\n{% set name = 'transactions_' ~ 'mounth' %}{{ figure(name).value }}";
    refused(computed, &wanted);
}

#[test]
fn every_other_unknown_name_is_answered_likewise() {
    refused(
        "{{ figures|sort }}",
        &["line 1:", "no filter is named \"sort\"", "there are: about"],
    );
    refused(
        "\n\n{{ raport.month }}",
        &[
            "line 3:",
            "no value is named \"raport\"",
            "nearest is report;",
        ],
    );
    refused(
        "{{ report.mont }}",
        &["report has no \"mont\"", "nearest is month;", "cut_off_utc"],
    );
    refused(
        "{{ figure('transactions_month').wert }}",
        &["transactions_month has no \"wert\"", "phrase"],
    );
    refused(
        "{{ table('day').title }}",
        &["no table is named \"day\"", "nearest is days;"],
    );
    refused("{{ table('classes').title }}", &["does not hold it"]);
    refused(
        "{% if report.month is defind %}{% endif %}",
        &["unknown test", "defind"],
    );
    refused("{{ open('/etc/passwd') }}", &["no value is named \"open\""]);
    refused("{% include '/etc/passwd' %}", &["template not found"]);
    refused("{% if %}", &["template report.txt, line 1: syntax error"]);
    refused(
        "{{ figure('transactions_month').comparison }}",
        &["there is no value here"],
    );
    refused("{% autoescape false %}{% endautoescape %}", &["autoescape"]);
}

#[test]
fn a_template_is_bounded_in_steps_depth_and_size() {
    let nine = "{% for a in figures %}{% for b in figures %}{% for c in figures %}{% for d in figures %}{% for e in figures %}{{ 1 }}{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}";
    refused(nine, &["steps"]);
    let long = "x".repeat(200_000);
    let wide = format!(
        "{{% for a in figures %}}{{% for b in figures %}}{long}{{% endfor %}}{{% endfor %}}"
    );
    refused(&wide, &["it writes more than 16777216 bytes"]);
    refused(
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        &["template report.txt"],
    );
    let large = "x".repeat(TEMPLATE_BYTES_MAX + 1);
    refused(&large, &["bytes"]);
}

#[test]
fn a_template_of_another_name_is_refused_with_the_names_there_are() {
    let mut templates = Templates::built_in();
    assert_eq!(
        templates
            .replace("raport.html", String::new())
            .unwrap_err()
            .to_string(),
        "no template is named \"raport.html\"; the nearest is report.html; there are: \
         paragraph.vi.txt, paragraph.en.txt, report.txt, report.md, report.html"
    );
}

#[test]
fn an_own_page_is_escaped_as_the_programs_is() {
    let page = render("report.html", "<p>{{ '<b>' ~ report.month }}</p>").unwrap();
    assert_eq!(page, "<p>&lt;b&gt;2022-07</p>");
}

/// The longest tables that can be asked for are rendered well within the bounds.
#[test]
fn the_longest_report_is_rendered_in_every_form() {
    let mut report = anchors();
    for table in &mut report.tables {
        let counts = table.counts.as_mut().unwrap();
        let row = counts.rows[0].clone();
        if table.name == "connections" || table.name == "services" {
            let numbered = (0..1_000).map(|number| {
                let mut row = row.clone();
                row.key = format!("{}{number}", row.key);
                row
            });
            counts.rows = numbered.collect();
        }
    }
    let services = report.tables.iter().find(|it| it.name == "services");
    let services = services.unwrap().clone();
    report.tables.extend(vec![services; 4]);
    for form in [
        ReportForm::Text,
        ReportForm::Markdown,
        ReportForm::Html,
        ReportForm::Xlsx,
    ] {
        let templates = Templates::built_in();
        let rendered = render_report(&report, form, Language::English, &templates);
        assert!(rendered.unwrap().len() > 100_000);
    }
}
