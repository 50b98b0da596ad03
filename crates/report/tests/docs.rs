//! What the documents state as contract is what the program does: the table of errors in the
//! guide for agencies, and the list of figures.

use std::path::Path;

use ndxp_model::{Fault, Outcome, Reason};
use ndxp_report::{DEFINITIONS, SERVICE_DEFINITIONS, table_names};

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first cells of every row of the page's tables whose first cell is code.
fn rows(page: &str) -> Vec<Vec<&str>> {
    page.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

fn status_name(status: u8) -> &'static str {
    match status {
        3 => "INVALID_ARGUMENT",
        4 => "DEADLINE_EXCEEDED",
        5 => "NOT_FOUND",
        7 => "PERMISSION_DENIED",
        8 => "RESOURCE_EXHAUSTED",
        9 => "FAILED_PRECONDITION",
        13 => "INTERNAL",
        14 => "UNAVAILABLE",
        16 => "UNAUTHENTICATED",
        other => panic!("status {other} is not in the guide's words"),
    }
}

#[test]
fn the_guide_lists_every_reason_as_it_is() {
    let guide = page("guide-agency.md");
    let is_reason = |cell: &str| {
        cell.chars()
            .all(|c| c.is_ascii_uppercase() || c == '_' || c == '`')
    };
    let listed: Vec<_> = rows(&guide)
        .into_iter()
        .filter(|row| is_reason(row[0]))
        .collect();
    let wanted = Reason::ALL.map(|reason| {
        let meaning = reason.meaning();
        let fault: Fault = meaning.fault;
        let safe = if meaning.retry_safe { "yes" } else { "no" };
        let name = format!("`{}`", meaning.name);
        [
            name,
            status_name(meaning.status).to_owned(),
            fault.to_string(),
            safe.to_owned(),
        ]
    });
    let mut found: Vec<_> = listed.iter().map(|row| row[..4].to_vec()).collect();
    let mut wanted = wanted.to_vec();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

#[test]
fn the_page_on_figures_lists_every_figure_table_and_outcome_and_nothing_else() {
    let page = page("figures.md");
    let listed: Vec<_> = rows(&page).into_iter().map(|row| row[0]).collect();
    let definitions = DEFINITIONS.iter().chain(&SERVICE_DEFINITIONS);
    let names = definitions.map(|definition| definition.name);
    for name in names
        .chain(table_names())
        .chain(Outcome::ALL.iter().map(|outcome| outcome.as_str()))
    {
        let cell = format!("`{name}`");
        assert!(listed.contains(&cell.as_str()), "{name} is not on the page");
    }
    let is_known = |cell: &&str| {
        let name = cell.trim_matches('`');
        ndxp_report::definition(name).is_some()
            || SERVICE_DEFINITIONS.iter().any(|it| it.name == name)
            || table_names().contains(&name)
            || Outcome::ALL.iter().any(|outcome| outcome.as_str() == name)
    };
    // Hedges are words of Vietnamese; everything else in the first column is a name.
    let named = listed.iter().filter(|cell| cell.is_ascii());
    let unknown: Vec<_> = named.filter(|cell| !is_known(cell)).collect();
    assert!(
        unknown.is_empty(),
        "no figure, table or outcome: {unknown:?}"
    );
    for outcome in Outcome::ALL {
        let row = format!(
            "| `{outcome}` | {} |",
            if outcome.is_transaction() {
                "yes"
            } else {
                "no"
            }
        );
        assert!(page.contains(&row), "no row {row}");
    }
}

/// Each row of the list that official reports cite is answered by something that exists.
#[test]
fn the_page_on_figures_says_where_each_of_sixteen_rows_is_answered() {
    let page = page("figures.md");
    for row in 1..=16 {
        let head = format!("| {row} | ");
        let line = page.lines().find(|line| line.starts_with(&head));
        let line = line.unwrap_or_else(|| panic!("no row {row}"));
        let names = line.split('`').skip(1).step_by(2);
        for name in names.filter(|name| !name.starts_with('_') && *name != "Count") {
            let found = ndxp_report::definition(name).is_some();
            assert!(found, "row {row}: {name} is no figure");
        }
    }
}
