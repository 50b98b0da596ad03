//! Sealed segments that are packed hold what they held, for everybody who reads them, whatever happens
//! while they are packed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndxp_journal::{
    Fault, Journal, Kind, OpenError, PackError, ReadError, Reader, What, copy, inspect_directory,
    set_archive,
};
use ndxp_model::{Instant, ManualClock, Sequence, TransactionId};
use ndxp_proto::journal::v1;
use ndxp_proto::journal::v1::entry::Body;

use crate::harness::{ALL, DIRECTORY, append_all, clock_at, open, open_with, read_all, segments};
use crate::sim_disk::SimDisk;

const ARCHIVE: &str = "/archive";
const MS: i64 = 1_000;
const TRANSACTIONS: u64 = 54;

fn id(number: u64) -> TransactionId {
    let made_at = Instant::from_micros(number.cast_signed() * MS);
    TransactionId::new(made_at, u128::from(number) << 64 | 77)
}

fn call(number: u64) -> v1::Call {
    v1::Call {
        connection: Some(connection(number)),
        method: "Find".into(),
        grant: "H26/lgsp>G01/population/vn.Population".into(),
        case: format!("H26-{number:08}"),
        trace_id: vec![7; 16],
        ..v1::Call::default()
    }
}

fn connection(number: u64) -> v1::Connection {
    v1::Connection {
        consumer: format!("H{}/lgsp", number % 3),
        provider: "G01/population".into(),
        service: "vn.Population".into(),
    }
}

/// Openings, and closings of the call before; every seventh call is refused instead. One entry of
/// another kind in between.
fn bodies() -> Vec<Body> {
    let mut bodies = vec![Body::HubStarted(v1::HubStarted {
        hub_node: "hub-1".into(),
        version: "0.1.0".into(),
    })];
    let mut before = None;
    for number in 1..=TRANSACTIONS {
        let transaction_id = id(number).as_bytes().to_vec();
        if number % 7 == 0 {
            bodies.push(Body::Closed(v1::TransactionClosed {
                transaction_id,
                outcome: v1::Outcome::Refused.into(),
                reason: "NO_GRANT".into(),
                refused_call: Some(Box::new(call(number))),
                ..v1::TransactionClosed::default()
            }));
            continue;
        }
        bodies.push(Body::Opened(v1::TransactionOpened {
            transaction_id,
            call: Some(call(number)),
        }));
        let opened = bodies.len() as u64;
        if let Some((number, sequence)) = before.replace((number, opened)) {
            bodies.push(closing(number, sequence));
        }
    }
    bodies
}

fn closing(number: u64, opened_sequence: u64) -> Body {
    Body::Closed(v1::TransactionClosed {
        transaction_id: id(number).as_bytes().to_vec(),
        opened_sequence,
        connection: Some(connection(number)),
        method: "Find".into(),
        outcome: v1::Outcome::Completed.into(),
        request_bytes: number * 11,
        response_bytes: 1 << (number % 40),
        total_us: number * 1_234,
        provider_us: number * 1_200,
        measures: (0..number % 3)
            .map(|n| v1::Measure {
                name: format!("rows-{n}"),
                value: number,
            })
            .collect(),
        ..v1::TransactionClosed::default()
    })
}

/// Entry n is of millisecond n. Several segments are sealed, and one is active.
fn journal() -> (SimDisk, Journal) {
    let disk = SimDisk::default();
    set_archive(&disk, Path::new(DIRECTORY), Path::new(ARCHIVE)).unwrap();
    let clock = clock_at(0);
    let journal = open_with(&disk, Arc::<ManualClock>::clone(&clock)).unwrap();
    for (number, body) in (1..).zip(bodies()) {
        clock.set(Instant::from_micros(number * MS));
        append_all(&journal, [body])[0].unwrap();
    }
    assert!(segments(&disk).len() > 3);
    // Not half full, so that nobody prepares the next beside what is tested.
    let active = segments(&disk).pop().unwrap();
    assert!(disk.read(&active)[2_048..].iter().all(|byte| *byte == 0));
    (disk, journal)
}

fn pack_all(journal: &Journal) -> Vec<u64> {
    let mut packed = Vec::new();
    while let Some(one) = journal.pack(&mut || true).unwrap() {
        assert!(one.bytes < one.bytes_before, "{one:?}");
        packed.push(one.first.get());
    }
    packed
}

fn is_packed(disk: &SimDisk, file: &Path) -> bool {
    match disk.read(file)[8..12] {
        [1, 0, 0, 0] => false,
        [2, 0, 0, 0] => true,
        ref version => panic!("{version:?}"),
    }
}

fn offline(disk: &SimDisk) -> Result<Reader, OpenError> {
    Reader::open_on(Arc::new(disk.clone()), Path::new(DIRECTORY))
}

fn expected() -> Vec<v1::Entry> {
    let entries = (1..).zip(bodies()).map(|(sequence, body)| v1::Entry {
        sequence,
        committed_at_us: sequence.cast_signed() * MS,
        body: Some(body),
    });
    entries.collect()
}

/// Everything is there for every kind of reader, and the journal goes on.
#[track_caller]
fn check_whole(disk: &SimDisk) {
    let all = expected();
    assert_eq!(read_all(&offline(disk).unwrap()).unwrap(), all);
    let (from, to) = (Path::new(DIRECTORY), Path::new("/copy"));
    let copied = copy(disk, from, to, &mut |_, _| {}).unwrap();
    assert_eq!(copied.position.sequence.get(), expected().len() as u64);
    for segment in &copied.segments {
        let stands = disk.read(&to.join(&segment.name)).len() as u64;
        assert_eq!(segment.bytes, stands, "{segment:?}");
    }
    let copy = Reader::open_on(Arc::new(disk.clone()), to).unwrap();
    assert_eq!(read_all(&copy).unwrap(), all);
    let inspected = inspect_directory(disk, from).unwrap();
    assert!(inspected.is_whole(), "{inspected:?}");
    assert_eq!(inspected.readable(), expected().len() as u64);
    let journal = open(disk).unwrap();
    append_all(&journal, [bodies().remove(0)])[0].unwrap();
    let mut read = read_all(&journal.reader()).unwrap();
    assert!(read.pop().is_some());
    assert_eq!(read, all);
}

/// By sequence, by kind, by time and by transaction.
#[track_caller]
fn check_reader(reader: &Reader) {
    let all = expected();
    assert_eq!(read_all(reader).unwrap(), all);
    for entry in &all {
        let sequence = Sequence::new(entry.sequence);
        let one: Vec<_> = reader
            .entries(sequence, sequence)
            .map(Result::unwrap)
            .collect();
        assert_eq!(one, std::slice::from_ref(entry));
        for micros in [-1, 0, 1] {
            let at = Instant::from_micros(entry.committed_at_us + micros);
            let found = reader.first_at_or_after(at).unwrap();
            let wanted = all
                .iter()
                .find(|entry| entry.committed_at_us >= at.as_micros());
            assert_eq!(found.map(Sequence::get), wanted.map(|entry| entry.sequence));
        }
    }
    let opened = reader
        .entries_of(Kind::Opened, Sequence::new(1), ALL)
        .count();
    let is_opened = |entry: &&v1::Entry| matches!(entry.body, Some(Body::Opened(_)));
    assert_eq!(opened, all.iter().filter(is_opened).count());
    for number in 1..TRANSACTIONS - 1 {
        let found = reader.transaction(id(number)).unwrap().unwrap();
        assert!(found.closed.is_some() && found.call.is_some(), "{found:?}");
    }
}

#[test]
fn every_sealed_segment_but_the_last_is_packed_once_and_reads_as_before() {
    let (disk, journal) = journal();
    let early = offline(&disk).unwrap();
    let mut half_way = early.entries(Sequence::new(1), ALL);
    assert!(half_way.by_ref().take(5).all(|entry| entry.is_ok()));
    let files = segments(&disk);
    let packed = pack_all(&journal);
    assert_eq!(packed.len(), files.len() - 1);
    assert_eq!(pack_all(&journal), [0; 0], "once");
    let (active, sealed) = files.split_last().unwrap();
    assert!(sealed.iter().all(|file| is_packed(&disk, file)));
    assert!(!is_packed(&disk, active));
    assert_eq!(segments(&disk), files, "nothing else stands there");
    // Those who began before, the writer's own readers, and those who come later.
    assert_eq!(half_way.filter(Result::is_ok).count(), expected().len() - 5);
    check_reader(&early);
    check_reader(&journal.reader());
    check_whole(&disk.killed());
    check_whole(&disk.crashed(&mut fastrand::Rng::with_seed(3)));
}

#[test]
fn a_start_reads_only_the_ends_of_packed_segments() {
    let (disk, journal) = journal();
    pack_all(&journal);
    journal.close();
    let disk = disk.killed();
    let files = segments(&disk);
    for file in &files {
        // Damage within is no hindrance: nobody looked.
        disk.corrupt(file, |bytes| {
            if bytes[8] == 2 {
                bytes[200] ^= 1;
            }
        });
    }
    let journal = open(&disk).unwrap();
    assert_eq!(journal.recovery().sealed_segments, files.len());
    assert_eq!(journal.position().sequence.get(), expected().len() as u64);
}

#[test]
fn a_crash_or_a_failing_disk_at_any_call_of_packing_loses_nothing() {
    let (disk, journal) = journal();
    let before = disk.calls();
    let all = pack_all(&journal);
    let calls = disk.calls() - before;
    let mut random = fastrand::Rng::with_seed(11);
    for call in 0..calls {
        let (disk, journal) = self::journal();
        disk.die_after(call);
        let mut failed = false;
        while !failed {
            failed = match journal.pack(&mut || true) {
                Ok(Some(_)) => false,
                Ok(None) => break,
                Err(PackError::Disk(_)) => true,
                Err(error) => panic!("call {call}: {error}"),
            };
        }
        assert!(failed, "call {call}");
        check_whole(&disk.killed());
        check_whole(&disk.crashed(&mut random));
        // The disk comes back: the same journal goes on, and packs the rest.
        disk.set_fault(None);
        pack_all(&journal);
        let packed = segments(&disk)
            .iter()
            .filter(|file| is_packed(&disk, file))
            .count();
        assert_eq!(packed, all.len());
        check_whole(&disk.killed());
    }
}

#[test]
fn packing_that_is_told_to_stop_leaves_all_as_it_was() {
    let (disk, journal) = journal();
    let read = || -> Vec<_> { segments(&disk).iter().map(|file| disk.read(file)).collect() };
    let files = read();
    // Behind its block, and behind the same block when it was read back.
    for stop in 1..=2 {
        let mut asked = 0;
        let packed = journal.pack(&mut || {
            asked += 1;
            asked < stop
        });
        assert_eq!((packed.unwrap(), asked), (None, stop));
        assert_eq!(files, read());
    }
    assert_eq!(
        pack_all(&journal).len(),
        files.len() - 1,
        "and can be begun again"
    );
    journal.close();
    assert_eq!(
        journal.pack(&mut || true).unwrap(),
        None,
        "not behind the close"
    );
}

#[test]
fn what_comes_back_from_the_disk_otherwise_takes_nobodys_place() {
    let (disk, journal) = journal();
    let files = segments(&disk);
    let packing = Path::new(DIRECTORY).join("next.packing");
    let error = journal.pack(&mut || {
        disk.corrupt(&packing, |bytes| bytes[100] ^= 1);
        true
    });
    let error = error.unwrap_err();
    assert!(matches!(error, PackError::ReadBack { .. }), "{error}");
    assert!(files.iter().all(|file| !is_packed(&disk, file)));
    check_whole(&disk.killed());
}

#[test]
fn packed_and_plain_segments_are_archived_and_packed_there() {
    let (disk, journal) = journal();
    let first = journal.pack(&mut || true).unwrap().unwrap().first;
    assert_eq!(first.get(), 1);
    let moved = journal.archive(Instant::from_micros(10_000 * MS)).unwrap();
    assert_eq!(moved.len(), segments(&disk).len() - 1);
    let archived: Vec<PathBuf> = segments(&disk)
        .into_iter()
        .filter(|file| file.parent() == Some(Path::new(ARCHIVE)))
        .collect();
    assert!(is_packed(&disk, &archived[0]) && !is_packed(&disk, &archived[1]));
    check_whole(&disk.killed());
    assert_eq!(pack_all(&journal).len(), moved.len() - 1);
    assert!(archived.iter().all(|file| is_packed(&disk, file)));
    check_whole(&disk.killed());
}

#[test]
fn damage_is_not_packed_and_keeps_no_other_segment_from_it() {
    let (disk, journal) = journal();
    let file = segments(&disk)[0].clone();
    disk.corrupt(&file, |bytes| bytes[500] ^= 1);
    let before = disk.read(&file);
    let error = journal.pack(&mut || true).unwrap_err();
    assert!(matches!(error, PackError::Damaged { .. }), "{error}");
    let packed = pack_all(&journal);
    assert_eq!(packed.len(), segments(&disk).len() - 2);
    assert_eq!(disk.read(&file), before);
}

#[test]
fn a_flipped_bit_anywhere_in_a_packed_segment_is_refused_or_told() {
    let (disk, journal) = journal();
    pack_all(&journal);
    journal.close();
    let file = segments(&disk)[1].clone();
    let whole = disk.read(&file);
    for place in 0..whole.len() {
        let disk = disk.killed();
        disk.corrupt(&file, |bytes| bytes[place] ^= 1 << (place % 8));
        let read = offline(&disk).map(|reader| read_all(&reader));
        match read {
            Err(_) => {}
            Ok(Err(ReadError::Damaged {
                file: found,
                offset,
                ..
            })) => {
                assert_eq!((found, offset), (file.clone(), 64), "byte {place}");
            }
            Ok(read) => panic!("byte {place}: {read:?}"),
        }
        let inspected = inspect_directory(&disk, Path::new(DIRECTORY)).unwrap();
        assert!(!inspected.is_whole(), "byte {place}");
    }
}

#[test]
fn what_is_lost_with_a_block_is_told_by_sequences_and_time() {
    let (disk, journal) = journal();
    pack_all(&journal);
    journal.close();
    let files = segments(&disk);
    let first =
        |file: &PathBuf| -> u64 { file.file_stem().unwrap().to_str().unwrap().parse().unwrap() };
    let (from, to) = (first(&files[1]), first(&files[2]) - 1);
    let lost = |disk: &SimDisk| {
        let inspected = inspect_directory(disk, Path::new(DIRECTORY)).unwrap();
        let segment = inspected.segments[1].clone();
        let part = segment
            .parts
            .iter()
            .find(|part| matches!(part.what, What::Lost { .. }))
            .copied();
        (inspected.lost(), segment.faults, part)
    };
    // A block: its entries, and no others.
    let block = disk.killed();
    block.corrupt(&files[1], |bytes| bytes[100] ^= 1);
    let (count, faults, part) = lost(&block);
    let part = part.unwrap();
    assert_eq!((count, faults), (Some(to - from + 1), vec![]));
    assert_eq!(
        (part.first, part.last),
        (Some(Sequence::new(from)), Some(Sequence::new(to)))
    );
    assert_eq!(part.offset, 64);
    assert_eq!(part.to, Some(Instant::from_micros(to.cast_signed() * MS)));
    // The index: blocks say themselves what they are. The head: the others say which journal.
    let index = disk.killed();
    index.corrupt(&files[1], |bytes| {
        let end = bytes.len();
        bytes[end - 40] ^= 1;
    });
    assert_eq!(lost(&index), (Some(0), vec![Fault::Footer], None));
    let head = disk.killed();
    head.corrupt(&files[1], |bytes| bytes[9] ^= 1);
    assert_eq!(lost(&head).0, Some(0));
}

/// What this thread has had of a processor: others on the machine do not count.
fn on_processor() -> std::time::Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos = text.split(' ').next().unwrap().parse().unwrap();
    std::time::Duration::from_nanos(nanos)
}

/// What packing makes of a real journal, and the CPU time of that and of reading before and after.
#[test]
#[ignore = "measures the first segments of the journal that NDXP_JOURNAL names"]
fn measure() {
    const SEGMENTS: usize = 4;
    let from = PathBuf::from(std::env::var("NDXP_JOURNAL").unwrap());
    let names = std::fs::read_dir(from)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut files: Vec<_> = names
        .filter(|file| file.extension() == Some("segment".as_ref()))
        .collect();
    files.sort();
    let scratch = tempfile::tempdir().unwrap();
    for file in &files[..SEGMENTS.min(files.len())] {
        std::fs::copy(file, scratch.path().join(file.file_name().unwrap())).unwrap();
    }
    let read = |what: &str, end: u64| {
        let reader = Reader::open(scratch.path()).unwrap();
        let (mut entries, mut closed) = (0, 0);
        let started = on_processor();
        for entry in reader.entries(Sequence::new(1), Sequence::new(end)) {
            entries += 1;
            closed += u64::from(matches!(entry.unwrap().body, Some(Body::Closed(_))));
        }
        println!(
            "{what}: {entries} entries read in {:?}",
            on_processor() - started
        );
        closed
    };
    let last = Reader::open(scratch.path()).unwrap().position().unwrap();
    let disk = Arc::new(ndxp_journal::FileDisk);
    let journal = crate::harness::open_on(disk, scratch.path(), clock_at(0)).unwrap();
    append_all(&journal, [bodies().remove(0)])[0].unwrap();
    read("plain, to warm up", last.sequence.get());
    let closed = read("plain", last.sequence.get());
    let (mut before, mut after) = (0, 0);
    let started = on_processor();
    while let Some(packed) = journal.pack(&mut || true).unwrap() {
        before += packed.bytes_before;
        after += packed.bytes;
    }
    println!("packed in {:?}", on_processor() - started);
    read("packed", last.sequence.get());
    let each = |bytes: u64| bytes as f64 / closed as f64;
    println!(
        "{:.1} bytes a transaction became {:.1}",
        each(before),
        each(after)
    );
}
