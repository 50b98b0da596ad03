//! Files as people write them, right and wrong.

use std::io;

use proptest::prelude::*;

use super::*;
use crate::entry::check as check_entry;
use crate::limits::{ENTRY_BYTES_MAX, LINE_BYTES_MAX};

const GOOD: &str = "\
period,consumer,provider,service,measure,value,source
2021,,,,transactions,180919031,\"Báo cáo 105/BC-BTTTT, 29/7/2022\"
before 2021,,,,transactions,1,Báo cáo năm 2020

2021-07,H26/lgsp,G01/population,a.v1.Verify,records,18446744073709551615,Báo cáo năm 2020
before-launch,,,,documents_sent,0,Trục liên thông
";

fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
    super::parse(bytes, &Limits::default())
}

/// What is told about the header and one more row.
#[track_caller]
fn check_row(row: &str, wanted: &str) {
    check_file(format!("{HEADER}\n{row}\n").as_bytes(), &[wanted]);
}

#[track_caller]
fn check_file(bytes: &[u8], wanted: &[&str]) {
    let told = parse(bytes).unwrap_err().to_string();
    let told: Vec<_> = told.lines().collect();
    assert_eq!(told.len(), wanted.len(), "{told:#?}");
    for (told, wanted) in told.iter().zip(wanted) {
        assert!(told.starts_with(wanted), "{told}");
    }
}

#[test]
fn a_file_becomes_an_import_that_names_everything_once() {
    let Parsed { baseline, rows } = parse(GOOD.as_bytes()).unwrap();
    assert_eq!(rows, [2, 3, 5, 6]);
    check_entry(&baseline).unwrap();
    let connections: Vec<_> = baseline
        .connections
        .iter()
        .map(|it| &*it.consumer)
        .collect();
    assert_eq!(connections, ["H26/lgsp"]);
    assert_eq!(baseline.measures, ["records", "documents_sent"]);
    assert_eq!(
        baseline.sources,
        [
            "Báo cáo 105/BC-BTTTT, 29/7/2022",
            "Báo cáo năm 2020",
            "Trục liên thông"
        ]
    );
    let values: Vec<_> = baseline.rows.iter().map(|it| it.value).collect();
    assert_eq!(values, [180_919_031, 1, u64::MAX, 0]);
    let names: Vec<_> = (0..4).map(|row| named(&baseline, row)).collect();
    assert_eq!(
        names,
        [
            "2021, in total, transactions",
            "before 2021, in total, transactions",
            "2021-07, H26/lgsp>G01/population/a.v1.Verify, records",
            "before-launch, in total, documents_sent",
        ]
    );
}

#[test]
fn a_mark_and_ends_of_rows_make_no_difference() {
    let wanted = parse(GOOD.as_bytes()).unwrap();
    let marked = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert_eq!(parse(marked.as_bytes()).unwrap(), wanted);
    assert_eq!(parse(GOOD.trim_end().as_bytes()).unwrap(), wanted);
    let quoted = GOOD.replacen(HEADER, &HEADER.replace("value", "\"value\""), 1);
    assert_eq!(parse(quoted.as_bytes()).unwrap(), wanted);
}

#[test]
fn a_file_of_another_form_is_told_what_it_is() {
    let wide = |text: &str, first: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
        let units = text.encode_utf16().flat_map(bytes);
        first.into_iter().chain(units).collect::<Vec<u8>>()
    };
    let rows: [(Vec<u8>, &str); 12] = [
        (vec![], "the file is empty"),
        (b"\n\n".to_vec(), "row 1: the header"),
        (HEADER.as_bytes().to_vec(), "the file holds no row"),
        (
            wide(GOOD, [0xff, 0xfe], u16::to_le_bytes),
            "the file is UTF-16",
        ),
        (
            wide(GOOD, [0xfe, 0xff], u16::to_be_bytes),
            "the file is UTF-16",
        ),
        (
            HEADER.replace(',', ";").into(),
            "row 1: columns are separated by semicolons",
        ),
        (
            HEADER.replace(',', "\t").into(),
            "row 1: columns are separated by tabs",
        ),
        (
            GOOD.replace('\n', "\r").into(),
            "row 1: rows end with CR alone",
        ),
        (
            b"Period,Consumer".to_vec(),
            "row 1: the header is \"Period,Consumer\"",
        ),
        (b"2021,,,,transactions,5,x".to_vec(), "row 1: the header is"),
        (
            vec![b'x'; LINE_BYTES_MAX + 9],
            "row 1: the row is longer than",
        ),
        (
            b"p\xe9riode".to_vec(),
            "row 1: byte 2 of the row, 0xe9, is not UTF-8",
        ),
    ];
    for (bytes, wanted) in rows {
        let told = parse(&bytes).unwrap_err().to_string();
        assert!(told.starts_with(wanted), "{wanted:?}: {told}");
    }
}

#[test]
fn a_wrong_value_is_told_by_row_and_column() {
    let rows = [
        (
            "07/2021,,,,transactions,5,x",
            "row 2, column period: \"07/2021\" is no period",
        ),
        (
            "2021-02-30,,,,transactions,5,x",
            "row 2, column period: \"2021-02-30\" names a date",
        ),
        (",,,,transactions,5,x", "row 2, column period: is empty"),
        (
            "2021,h26,G01/a,a.B,transactions,5,x",
            "row 2, column consumer: system \"h26\"",
        ),
        (
            "2021,H26/a,G01/a,a/B,transactions,5,x",
            "row 2, column service: service \"a/B\"",
        ),
        (
            "2021,H26/a,,a.B,transactions,5,x",
            "row 2, column provider: is empty, though",
        ),
        (
            "2021,,,,Giao dịch,5,x",
            "row 2, column measure: \"Giao dịch\" is no measure",
        ),
        ("2021,,,,,5,x", "row 2, column measure: is empty"),
        (
            "2021,,,,transactions,10.385.415,x",
            "row 2, column value: \"10.385.415\" has blanks",
        ),
        (
            "2021,,,,transactions,\"10,385,415\",x",
            "row 2, column value: \"10,385,415\" has blanks",
        ),
        (
            "2021,,,,transactions,1e6,x",
            "row 2, column value: \"1e6\" is no whole number",
        ),
        (
            "2021,,,,transactions, 1 000,x",
            "row 2, column value: \" 1 000\" has blanks",
        ),
        (
            "2021,,,,transactions,-1,x",
            "row 2, column value: \"-1\" is negative",
        ),
        (
            "2021,,,,transactions,1.5,x",
            "row 2, column value: \"1.5\" is no whole number",
        ),
        (
            "2021,,,,transactions,99999999999999999999,x",
            "row 2, column value: \"999",
        ),
        ("2021,,,,transactions,,x", "row 2, column value: is empty"),
        ("2021,,,,transactions,5, ", "row 2, column source: is empty"),
        (
            "2021,,,,transactions,5,\"a\u{7}\"",
            "row 2, column source: \"a\\u{7}\" holds a control",
        ),
        (
            "2021,,,,transactions,10,385,415,x",
            "row 2: 9 columns instead of 7",
        ),
        ("2021,,,,transactions,5", "row 2: 6 columns instead of 7"),
        ("2021;;;;transactions;5;x", "row 2: 1 columns instead of 7"),
        (
            "2021,,,,transactions,5,\"x",
            "row 2: the quote that begins field 7",
        ),
    ];
    for (row, wanted) in rows {
        check_row(row, wanted);
    }
    let long = format!("2021,,,,transactions,5,{}", "ă".repeat(301));
    check_row(&long, "row 2, column source: 301 characters");
    let latin = [
        format!("{HEADER}\n").as_bytes(),
        b"2021,,,,transactions,5,B\xe1o",
    ]
    .concat();
    check_file(&latin, &["row 2, column source: byte 25 of the row, 0xe1"]);
}

#[test]
fn everything_wrong_is_told_at_once_up_to_twenty() {
    let rows = [
        "2021,,,,transactions,5,x",
        "2021-13,H26,,a.B,?,1e6,",
        "2021-07,,,,transactions,6,x",
        "2021,,,,transactions,7,x",
        "2021-03,H26/lgsp,G01/a,a.B,transactions,8,x",
    ];
    let file = format!("{HEADER}\n{}\n", rows.join("\n"));
    check_file(
        file.as_bytes(),
        &[
            "row 3, column period",
            "row 3, column consumer",
            "row 3, column provider",
            "row 3, column measure",
            "row 3, column value",
            "row 3, column source",
            "row 4: 2021-07, in total, transactions: overlaps row 2",
            "row 5: 2021, in total, transactions: is the same as row 2",
            "row 6: 2021-03, H26/lgsp>G01/a/a.B, transactions: overlaps row 2",
        ],
    );
    let wrong = format!("{HEADER}\n{}", "x,,,,transactions,5,x\n".repeat(50));
    let told = parse(wrong.as_bytes()).unwrap_err().to_string();
    assert_eq!(told.lines().count(), FINDINGS_MAX + 1);
    assert!(
        told.ends_with("the rest of the file was not looked at"),
        "{told}"
    );
}

/// A file of this repository.
fn shipped(path: &str) -> String {
    std::fs::read_to_string(format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_example_holds_the_sums_of_the_published_reports() {
    let Parsed { baseline, .. } = parse(shipped("deploy/example/baseline.csv").as_bytes()).unwrap();
    check_entry(&baseline).unwrap();
    let sum = |measures: &[&str], from: &str, to: &str| -> u64 {
        let day = |text: &str| text.parse::<Span>().unwrap().from;
        let within = |balance: &crate::entry::Balance<'_>| {
            let begins = from.is_empty() || balance.span.from >= day(from);
            begins && balance.span.to <= day(to)
        };
        let balances = crate::entry::balances(&baseline);
        let asked = balances.filter(|it| measures.contains(&it.measure) && within(it));
        asked.map(|balance| balance.value).sum()
    };
    let (transactions, july) = (&["transactions"][..], "2022-07-01");
    let documents = &["documents_sent", "documents_received"][..];
    // Rows of figures.md: what July adds itself is in the second number.
    assert_eq!(
        sum(transactions, "", july) + 10_385_415,
        553_969_478,
        "row 2"
    );
    assert_eq!(
        sum(transactions, "2021-01-01", "2022-01-01"),
        180_919_031,
        "row 16"
    );
    let year = sum(transactions, "2022-01-01", july) + 10_385_415;
    assert_eq!((year / 203 + 50_000) / 100_000, 17, "row 3");
    assert_eq!(
        sum(&documents[..1], "2022-01-01", july) + 135_164,
        760_000,
        "row 9"
    );
    assert_eq!(
        sum(&documents[1..], "2022-01-01", july) + 485_666,
        2_800_000,
        "row 9"
    );
    let since_launch = sum(documents, "", july) + 620_830;
    assert!(
        (13_100_000..13_200_000).contains(&since_launch),
        "row 10: {since_launch}"
    );
}

#[test]
fn the_file_in_the_documentation_is_one() {
    let page = shipped("docs/baseline.md");
    let block = page.split("```csv\n").nth(1).unwrap();
    let file = block.split("```").next().unwrap();
    let Parsed { baseline, rows } = parse(file.as_bytes()).unwrap();
    assert_eq!(rows, [2, 3, 4, 5, 6]);
    check_entry(&baseline).unwrap();
    assert!(page.contains(&format!("\n{HEADER}\n")));
}

/// A file without end, which counts how much of it was read.
struct Endless {
    read: usize,
    row: fn(usize) -> String,
    rows: usize,
    rest: Vec<u8>,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = match self.rows {
                0 => format!("{HEADER}\n"),
                row => (self.row)(row),
            }
            .into_bytes();
            self.rows += 1;
        }
        let length = buffer.len().min(self.rest.len());
        buffer[..length].copy_from_slice(&self.rest[..length]);
        self.rest.drain(..length);
        self.read += length;
        Ok(length)
    }
}

#[test]
fn reading_ends_at_the_first_limit() {
    let file = |row| Endless {
        read: 0,
        row,
        rows: 0,
        rest: Vec::new(),
    };
    let by_day: fn(usize) -> String =
        |row| format!("{},,,,transactions,{row},x\n", Day::new(row as i32));
    let by_source: fn(usize) -> String = |row| {
        format!(
            "{},,,,transactions,{row},{row:0300}\n",
            Day::new(row as i32)
        )
    };
    let small = Limits {
        rows_max: 1_000,
        ..Limits::default()
    };
    for (row, limits, part) in [
        (by_day, Limits::default(), "more than 992000 bytes"),
        (by_day, small, "more than 1000 numbers"),
        (by_source, Limits::default(), "more than 992000 bytes"),
    ] {
        let mut file = file(row);
        let told = super::parse(&mut file, &limits).unwrap_err().to_string();
        assert!(told.contains(part), "{told}");
        assert!(file.read < 3_000_000, "{} bytes were read", file.read);
    }
}

#[test]
fn the_bytes_that_are_reckoned_are_no_fewer_than_those_of_the_entry() {
    let mut text = format!("{HEADER}\n");
    for row in 0..2_000 {
        let (consumer, source) = (row % 50, "ă".repeat(1 + row % 300));
        let day = Day::new(10_000 + i32::try_from(row).unwrap());
        text.push_str(&format!(
            "{day},H{consumer:02}/lgsp,G01/a,a.B,m{row},7,{source}\n"
        ));
    }
    let Parsed { baseline, .. } = parse(text.as_bytes()).unwrap();
    let mut builder = Builder::new(Limits::default());
    for (row, line) in (2..).zip(text.lines().skip(1)) {
        assert_eq!(builder.row(row, line.as_bytes()), None);
    }
    assert_eq!(builder.entry, baseline);
    assert!(builder.bytes >= baseline.encoded_len());
    assert!(builder.bytes < baseline.encoded_len() * 11 / 10);
    assert!(Limits::default().bytes_max < ENTRY_BYTES_MAX);
}

#[test]
fn a_file_that_cannot_be_read_is_no_wrong_file() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let error = super::parse(Broken, &Limits::default()).unwrap_err();
    assert!(matches!(error, ParseError::Read(_)), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_are_an_import_or_are_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        with_header in any::<bool>(),
    ) {
        let header = format!("{HEADER}\n");
        let start: &[u8] = if with_header { header.as_bytes() } else { b"" };
        if let Ok(parsed) = parse(&[start, &bytes].concat()) {
            prop_assert!(check_entry(&parsed.baseline).is_ok());
        }
    }

    #[test]
    fn a_file_with_a_few_bytes_changed_is_a_sound_import_or_is_refused(
        changes in prop::collection::vec((0..GOOD.len(), any::<u8>()), 1..4),
        cut in 0..GOOD.len(),
    ) {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (place, byte) in changes {
            bytes[place] = byte;
        }
        for bytes in [&bytes[..], &bytes[cut..], &bytes[..cut]] {
            match parse(bytes) {
                Ok(parsed) => prop_assert!(check_entry(&parsed.baseline).is_ok()),
                Err(ParseError::Wrong(findings)) => {
                    prop_assert!((1..=FINDINGS_MAX).contains(&findings.found.len()));
                }
                Err(ParseError::Read(error)) => prop_assert!(false, "{error}"),
            }
        }
    }
}
