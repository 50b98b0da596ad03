//! `ndxp report` in its forms and with templates, right and wrong.

use crate::{check, data};

/// A report in its forms, with an operator's templates, and everything that can be wrong with them.
#[test]
fn a_report_is_written_in_its_forms_and_by_an_operators_templates() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    data::write(&place.join("data"));
    let templates = |name: &str, file: &str, text: &str| {
        std::fs::create_dir(place.join(name)).unwrap();
        std::fs::write(place.join(name).join(file), text).unwrap();
    };
    let own = "{{ report.month }}: {{ figure(\"transactions_month\").value }} {{ say('giao dịch', 'calls') }}\n";
    templates("own", "report.txt", own);
    templates(
        "wrong",
        "report.txt",
        "\n{{ figure('transactions_mounth').value }}\n",
    );
    templates("misspelt", "raport.html", "");
    check(
        "report",
        place,
        &[
            "report --data data --as-of 2022-07-22",
            "report --data data --as-of 2022-07-22 -o csv --table days",
            "report --data data --as-of 2022-07-22 -o csv --table day",
            "report --data data --as-of 2022-07-22 --table days",
            "report --data data --as-of 2022-07-22 --top 0",
            "report --data data --as-of 2022-07-22 -o html --out july.html",
            "report --data data --as-of 2022-07-22 -o xlsx --out july.xlsx",
            "report --data data --as-of 2022-07-22 -o json --out nowhere/july.json",
            "report --data data --as-of 2022-07-22 --templates own",
            "report --data data --as-of 2022-07-22 --templates wrong",
            "report --data data --as-of 2022-07-22 --templates misspelt",
            "report --data data --templates nowhere",
            "report --export-templates own",
            "report --export-templates mine",
            "report --data data --as-of 2022-07-22 --templates mine -o table",
        ],
    );
    let page = std::fs::read_to_string(place.join("july.html")).unwrap();
    assert!(page.ends_with("</html>\n"), "{page}");
    assert!(
        std::fs::read(place.join("july.xlsx"))
            .unwrap()
            .starts_with(b"PK")
    );
    let mut exported: Vec<_> = std::fs::read_dir(place.join("mine"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    exported.sort();
    let names = [
        "paragraph.en.txt",
        "paragraph.vi.txt",
        "report.html",
        "report.md",
        "report.txt",
    ];
    assert_eq!(exported, names);
    let left = std::fs::read_dir(place).unwrap();
    let left = left.filter(|it| {
        it.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.')
    });
    assert_eq!(left.count(), 0, "a file half written is left behind");
}
