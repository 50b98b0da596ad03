//! Tests of `past`.

use super::*;

fn past(directory: &Path) -> Past {
    Past::new(directory.join("past"), Zone::viet_nam())
}

fn start(label: &str) -> Instant {
    Zone::viet_nam().moment(label).unwrap().from
}

fn rows(seed: u64, lines: u32) -> Vec<(LineId, Vec<u8>)> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let ids = (1..=lines).filter(|_| rng.u8(0..4) > 0);
    let ids: Vec<u32> = ids.collect();
    let row = |id: u32| (LineId(id), vec![id.to_be_bytes()[3]; rng.usize(1..300)]);
    ids.into_iter().map(row).collect()
}

#[test]
fn a_file_is_stored_as_the_format_says() {
    let directory = tempfile::tempdir().unwrap();
    let past = past(directory.path());
    let rows = [(LineId(2), vec![0xaa, 0xbb])];
    past.write(Size::Month, start("2022-07"), &rows).unwrap();
    let bytes = fs::read(directory.path().join("past/month-2022-07")).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let (head, rest) = hex.split_at(2 * HEAD_BYTES);
    let told = "6e647870726f7731 01 0005e2ad3336c400 00000002".replace(' ', "");
    assert_eq!(&head[..told.len()], told);
    let (page, row) = rest.split_at(2 * PAGE_BYTES);
    assert!(
        page.starts_with(
            "0000000000000125 00000000 00000002 00000000"
                .replace(' ', "")
                .as_str()
        )
    );
    assert_eq!(&row[..4], "aabb");
    assert_eq!(row.len(), 2 * (2 + CRC_BYTES));
}

#[test]
fn rows_are_found_one_by_one_and_all_together() {
    let directory = tempfile::tempdir().unwrap();
    let past = past(directory.path());
    let day = start("2022-07-22");
    for (seed, lines) in [(1, 1), (2, 64), (3, 65), (4, 700)] {
        let rows = rows(seed, lines);
        past.write(Size::Day, day, &rows).unwrap();
        let mut found = Vec::new();
        let visited = past.rows(Size::Day, day, |line, row| {
            found.push((line, row.to_vec()));
            Ok(())
        });
        assert!(visited.unwrap());
        assert_eq!(found, rows);
        for id in 0..lines + 70 {
            let row = rows.iter().find(|(line, _)| line.0 == id);
            let expected = row.map_or(Found::NoRow, |(_, row)| Found::Row(row.clone()));
            assert_eq!(past.row(Size::Day, day, LineId(id)).unwrap(), expected);
        }
    }
    let other = start("2022-07-23");
    let found = past.row(Size::Day, other, LineId(1)).unwrap();
    assert_eq!(found, Found::NoFile);
    assert!(!past.rows(Size::Day, other, |_, _| Ok(())).unwrap());
}

#[test]
fn days_go_and_months_stay() {
    let directory = tempfile::tempdir().unwrap();
    let past = past(directory.path());
    assert_eq!(past.buckets().unwrap(), []);
    let rows = rows(5, 9);
    for day in ["2022-07-21", "2022-07-22"] {
        past.write(Size::Day, start(day), &rows).unwrap();
    }
    past.write(Size::Month, start("2022-06"), &rows).unwrap();
    past.write(Size::Month, start("2022-05"), &[]).unwrap();
    fs::write(directory.path().join("past/day-2022-07-20.tmp"), "half").unwrap();
    past.remove_days_before(start("2022-07-22")).unwrap();
    let left = [
        (Size::Month, start("2022-06")),
        (Size::Day, start("2022-07-22")),
    ];
    assert_eq!(past.buckets().unwrap(), left);
}

/// Whatever happens to a byte, or to a whole file, no row is taken for what it is not.
#[test]
fn harm_is_found_where_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let past = past(directory.path());
    let (month, rows) = (start("2022-07"), rows(6, 80));
    past.write(Size::Month, month, &rows).unwrap();
    let path = directory.path().join("past/month-2022-07");
    let sound = fs::read(&path).unwrap();
    let all = |past: &Past, month| past.rows(Size::Month, month, |_, _| Ok(()));
    for place in (0..sound.len()).step_by(7) {
        let mut harmed = sound.clone();
        harmed[place] ^= 1 << (place % 8);
        fs::write(&path, &harmed).unwrap();
        let found = all(&past, month);
        assert!(matches!(found, Err(StoreError::Damage(_))), "byte {place}");
        for (line, row) in &rows {
            match past.row(Size::Month, month, *line) {
                Ok(found) => assert_eq!(found, Found::Row(row.clone())),
                Err(error) => assert!(matches!(error, StoreError::Damage(_)), "{error}"),
            }
        }
    }
    for length in [0, 10, HEAD_BYTES, HEAD_BYTES + 8, sound.len() - 1] {
        fs::write(&path, &sound[..length]).unwrap();
        let found = all(&past, month);
        assert!(
            matches!(found, Err(StoreError::Damage(_))),
            "cut at {length}"
        );
    }
    fs::write(path.with_file_name("month-2022-06"), &sound).unwrap();
    let found = all(&past, start("2022-06"));
    assert!(
        matches!(found, Err(StoreError::Damage(_))),
        "another month's"
    );
}
