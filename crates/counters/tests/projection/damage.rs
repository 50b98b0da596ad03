//! Damaged directories: whatever was done to the files, the counters come out right, and what
//! cannot be used is set aside.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use fastrand::Rng;
use ndxp_proto::journal::v1::Entry;

use crate::answers::{check_all, counted};
use crate::list::List;
use crate::recount::check_dump;
use crate::restarts::{copy, set_aside};
use crate::story::Story;

/// A directory with cleanly stopped counters of the entries.
async fn stopped(entries: &[Entry]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    counted(directory.path(), &List::of(entries)).await.stop();
    directory
}

fn store(directory: &Path) -> PathBuf {
    directory.join("counters/store")
}

fn overwrite(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// What happens to the store's directory.
type Harm = fn(&Path);

#[tokio::test]
async fn harm_that_cannot_be_overlooked_is_set_aside_and_rebuilt() {
    let entries = Story::new(30).tell(600);
    let whole = stopped(&entries).await;
    let rows: [(&str, Harm); 5] = [
        ("the log is cut in half", |store| {
            let db = File::options().write(true).open(store.join("db")).unwrap();
            db.set_len(db.metadata().unwrap().len() / 2).unwrap();
        }),
        ("the log is noise", |store| {
            overwrite(&store.join("db"), |bytes| Rng::with_seed(1).fill(bytes));
        }),
        ("the log is gone", |store| {
            fs::remove_file(store.join("db")).unwrap()
        }),
        ("the configuration is noise", |store| {
            overwrite(&store.join("conf"), |bytes| {
                bytes.iter_mut().for_each(|byte| *byte ^= 0x55)
            });
        }),
        ("a file stands where the store was", |store| {
            fs::remove_dir_all(store).unwrap();
            fs::write(store, "no directory").unwrap();
        }),
    ];
    for (name, harm) in rows {
        let directory = tempfile::tempdir().unwrap();
        copy(whole.path(), directory.path());
        harm(&store(directory.path()));
        let counters = counted(directory.path(), &List::of(&entries)).await;
        check_all(&counters, &entries);
        println!("{name}: {} set aside", set_aside(directory.path()));
        assert_eq!(set_aside(directory.path()), 1, "{name}");
        counters.stop();
        drop(counters);
        let counters = counted(directory.path(), &List::of(&entries)).await;
        check_dump(&counters, &entries);
        assert_eq!(
            set_aside(directory.path()),
            1,
            "{name}: the rebuilt store holds"
        );
    }
}

#[tokio::test]
async fn a_missing_directory_is_rebuilt() {
    let entries = Story::new(31).tell(200);
    let rows: [Harm; 2] = [
        |directory| fs::remove_dir_all(directory.join("counters")).unwrap(),
        |directory| fs::remove_dir_all(store(directory)).unwrap(),
    ];
    for harm in rows {
        let directory = stopped(&entries).await;
        harm(directory.path());
        let counters = counted(directory.path(), &List::of(&entries)).await;
        check_all(&counters, &entries);
    }
}

/// Bits flip anywhere: in what is read, or in what nobody reads any more. Either way the
/// counters are right, and mostly the harm is noticed.
#[tokio::test]
async fn flipped_bits_never_show_in_an_answer() {
    let entries = Story::new(32).tell(500);
    let whole = stopped(&entries).await;
    let log = fs::read(store(whole.path()).join("db")).unwrap();
    let used = log.iter().rposition(|byte| *byte != 0).unwrap();
    let mut rng = Rng::with_seed(32);
    let mut noticed = 0;
    for _ in 0..24 {
        let directory = tempfile::tempdir().unwrap();
        copy(whole.path(), directory.path());
        let (at, bit) = (rng.usize(0..used), rng.u8(0..8));
        println!("bit {bit} of byte {at} of {used}");
        overwrite(&store(directory.path()).join("db"), |bytes| {
            bytes[at] ^= 1 << bit;
        });
        let counters = counted(directory.path(), &List::of(&entries)).await;
        check_dump(&counters, &entries);
        noticed += set_aside(directory.path());
    }
    assert!(
        noticed >= 12,
        "most of the log is read, yet only {noticed} of 24 were noticed"
    );
}
