//! Tests of `check`.

use ndxp_model::TransactionId;

use super::*;
use crate::sample::{self, Place};

/// What is done to a sound store.
type Tamper = fn(&mut Store);

/// The last such row of a line of the sample, changed. `None` removes it.
fn change(store: &mut Store, wanted: RowKey, change: fn(Row) -> Option<Row>) {
    let key = wanted.encode();
    let bytes = store.get(&key).unwrap().unwrap();
    let (form, from) = match wanted {
        RowKey::All(_) => (Form::All, Instant::EPOCH),
        RowKey::Last(..) => (Form::Last, codec::start(&bytes).unwrap()),
        RowKey::Total(_, from) => (Form::Past, from),
    };
    let row = codec::decode(form, &bytes, Want::EVERYTHING).unwrap();
    let value = change(row).map(|row| codec::encode(form, from, &row));
    store.overwrite(&Key::Row(wanted), value);
}

/// Changes the first ending of a row as a whole.
fn whole(mut row: Row, change: fn(&mut Counter)) -> Option<Row> {
    change(&mut row.endings[0].1.whole);
    Some(row)
}

#[track_caller]
fn check_found(tamper: Tamper, expected: fn(&Damage) -> bool) {
    let place = Place::new();
    let mut projection = place.projection(sample::entries(400));
    projection.catch_up().unwrap();
    let mut guard = projection.writer.shared.write();
    let store = guard.as_mut().unwrap();
    check(store).unwrap();
    tamper(store);
    match check(store) {
        Err(StoreError::Damage(damage)) => assert!(expected(&damage), "{damage}"),
        other => panic!("overlooked: {other:?}"),
    }
}

#[test]
fn whatever_does_not_add_up_is_found() {
    let sum: fn(&Damage) -> bool = |damage| matches!(damage, Damage::Sum { .. });
    const TOTAL: LineId = LineId::TOTAL;
    let rows: [Tamper; 10] = [
        |store| change(store, RowKey::Last(Size::Day, LineId(2)), |_| None),
        |store| change(store, RowKey::Last(Size::Day, TOTAL), |_| None),
        |store| change(store, RowKey::All(LineId(2)), |_| None),
        |store| {
            change(store, RowKey::Last(Size::Month, LineId(1)), |row| {
                whole(row, |counter| counter.count += 1)
            });
        },
        |store| {
            change(store, RowKey::Last(Size::Day, LineId(1)), |row| {
                whole(row, |counter| counter.response_bytes -= 1)
            });
        },
        |store| {
            change(store, RowKey::All(TOTAL), |row| {
                whole(row, |counter| {
                    counter.measures.insert("records".to_owned(), 1);
                })
            });
        },
        |store| {
            change(store, RowKey::Last(Size::Month, TOTAL), |row| {
                whole(row, |counter| counter.first_sequence = Sequence::new(1))
            });
        },
        |store| {
            change(store, RowKey::All(LineId(3)), |row| {
                whole(row, |counter| {
                    counter.durations.as_mut().unwrap().record(0).unwrap();
                })
            });
        },
        |store| {
            // An hour of another day.
            change(store, RowKey::Last(Size::Day, LineId(3)), |mut row| {
                row.endings[0].1.cells.last_mut().unwrap().0 = 31;
                Some(row)
            });
        },
        |store| {
            // The same harm to a line and to the total: the days tell.
            for id in [TOTAL, LineId(3)] {
                change(store, RowKey::Last(Size::Month, id), |_| None);
            }
        },
    ];
    for tamper in rows {
        check_found(tamper, sum);
    }
}

#[test]
fn what_the_head_does_not_know_is_found() {
    check_found(
        |store| store.state.counted += 1,
        |damage| {
            matches!(
                damage,
                Damage::Amount {
                    expected: 401,
                    found: 400,
                    ..
                }
            )
        },
    );
    check_found(
        |store| store.state.watermark.sequence = Sequence::new(399),
        |damage| matches!(damage, Damage::BeyondWatermark { .. }),
    );
    check_found(
        |store| {
            let id = TransactionId::new(Instant::EPOCH, 0);
            store.state.open.insert(Sequence::new(401), id);
        },
        |damage| matches!(damage, Damage::BeyondWatermark { .. }),
    );
    check_found(
        |store| drop(store.state.lines.pop()),
        |damage| matches!(damage, Damage::Nameless { id: 3 }),
    );
}

#[test]
fn a_file_that_is_gone_is_found() {
    for file in ["month-2022-07", "day-2022-07-31"] {
        let place = Place::new();
        let mut projection = place.projection(sample::entries(400));
        projection.catch_up().unwrap();
        std::fs::remove_file(place.path().join("past").join(file)).unwrap();
        let guard = projection.writer.shared.read();
        match check(guard.as_ref().unwrap()) {
            Err(StoreError::Damage(Damage::PastGone { file: gone })) => assert_eq!(gone, file),
            other => panic!("overlooked: {other:?}"),
        }
    }
}
