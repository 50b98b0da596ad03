//! `ndxp baseline`: files of opening balances that are wrong, and what was imported.

use crate::{check, data};

#[test]
fn a_wrong_file_of_opening_balances_is_told_by_row_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let header = ndxp_baseline::HEADER;
    write("ndxp.toml", b"");
    write("empty.csv", b"");
    write("header.csv", format!("{header}\n").as_bytes());
    let semicolons = header.replace(',', ";");
    write(
        "semicolons.csv",
        format!("{semicolons}\n2021;;;;transactions;5;x\n").as_bytes(),
    );
    let wide: Vec<u8> = header.encode_utf16().flat_map(u16::to_le_bytes).collect();
    write("utf16.csv", &[&[0xff, 0xfe], wide.as_slice()].concat());
    let latin = [
        header.as_bytes(),
        b"\n2021,,,,transactions,5,B\xe1o c\xe1o\n",
    ]
    .concat();
    write("latin.csv", &latin);
    let rows = "\
2021,,,,transactions,180.919.031,Báo cáo
2021-02-30,,,,transactions,5,Báo cáo
2020,H26/lgsp,,a.v1.B,records,1e6,
07/2019,h26,G01/a,a.v1.B,Records,-5,Báo cáo
2018,,,,transactions,10,385,415,Báo cáo
";
    write(
        "wrong.csv",
        format!("\u{feff}{header}\n{rows}")
            .replace('\n', "\r\n")
            .as_bytes(),
    );
    let twice = "\
2021,,,,transactions,5,Báo cáo
2020,H26/lgsp,G01/a,a.v1.B,records,5,Báo cáo

2021,,,,transactions,6,Báo cáo
2021-07,,,,transactions,7,Báo cáo
2020-12,,,,records,8,Báo cáo
";
    write("twice.csv", format!("{header}\n{twice}").as_bytes());
    let day = |day: u32| {
        format!(
            "{}-{:02}-{:02},,,,records,1,x\n",
            1990 + day / 336,
            day / 28 % 12 + 1,
            day % 28 + 1
        )
    };
    let days: String = (0..60_000).map(|number| day(number % 2_600_000)).collect();
    write("large.csv", format!("{header}\n{days}").as_bytes());
    let commands = [
        "nowhere",
        "empty",
        "header",
        "semicolons",
        "utf16",
        "latin",
        "wrong",
        "twice",
        "large",
    ];
    let commands = commands.map(|name| format!("baseline import {name}.csv"));
    check(
        "baseline",
        folder.path(),
        &commands.each_ref().map(String::as_str),
    );
}

#[test]
fn imports_are_listed_from_a_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    data::write_imports(&folder.path().join("data"));
    check(
        "baseline-list",
        folder.path(),
        &[
            "baseline list --data data",
            "baseline list --data data --brief",
            "baseline list --data data --brief -o json",
            "baseline list --data data -o json",
            "audit --data data",
        ],
    );
}
