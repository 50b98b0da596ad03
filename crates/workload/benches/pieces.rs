//! The hot pieces of a call in seconds: `cargo bench -p ndxp-workload`.

#![expect(
    clippy::unwrap_used,
    reason = "a piece that fails has nothing to be measured"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Waker};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ndxp_counters::Fold;
use ndxp_journal::{FileDisk, Journal, Options, Relay};
use ndxp_model::{Instant, SystemClock, Zone};
use ndxp_proto::journal::v1::Entry;
use ndxp_proto::journal::v1::entry::Body;
use ndxp_workload::{Country, closed, entry, measured, message, opened};

/// Calls, whose entries come in turn.
const CALLS: u64 = 1_000;
/// Entries of one group: as many as the writers that the journal's target speaks of.
const GROUP: usize = 256;
const START_US: i64 = 1_658_458_770_000_000;

fn start() -> Instant {
    Instant::from_micros(START_US)
}

fn bodies() -> Vec<Body> {
    let country = Country::new().unwrap();
    let message = message(256);
    let both = |number: u64| {
        let route = country.look_up(number, start()).unwrap();
        let lengths = (measured(&message).unwrap(), measured(&message).unwrap());
        let opening = 2 * number + 1;
        [
            opened(number, start(), &route),
            closed(number, opening, &route, lengths),
        ]
    };
    (0..CALLS).flat_map(both).collect()
}

fn entries() -> Vec<Entry> {
    let numbered = (1..).zip(bodies());
    numbered
        .map(|(sequence, body)| entry(sequence, start(), body))
        .collect()
}

fn look_up(criterion: &mut Criterion) {
    let country = Country::new().unwrap();
    let mut number = 0;
    criterion.bench_function("route look-up", |bencher| {
        bencher.iter(|| {
            number += 1;
            black_box(country.look_up(number, start()).unwrap())
        });
    });
}

fn meter(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("meter and digest");
    for bytes in [256, 16 * 1024] {
        let message = message(bytes);
        group.throughput(Throughput::Bytes(bytes.into()));
        group.bench_function(format!("{bytes} B"), |bencher| {
            bencher.iter(|| black_box(measured(&message).unwrap()));
        });
    }
    group.finish();
}

fn encoding(criterion: &mut Criterion) {
    let bodies = bodies();
    let mut group = criterion.benchmark_group("entry encoding");
    group.throughput(Throughput::Elements(bodies.len() as u64));
    group.bench_function("into a lane", |bencher| {
        bencher.iter_batched(
            Relay::new,
            |(lane, driver, relay)| {
                for body in &bodies {
                    drop(lane.append(body));
                }
                (lane, driver, relay)
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn group_commit(criterion: &mut Criterion) {
    let bodies = bodies();
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path());
    let (disk, clock) = (Arc::new(FileDisk), Arc::new(SystemClock));
    let (journal, mut writer) = Journal::open_by_hand(options, disk, clock, Arc::new(())).unwrap();
    let (lane, driver) = journal.lane();
    let mut driver = Box::pin(driver);
    let mut group = criterion.benchmark_group("group commit");
    group.throughput(Throughput::Elements(GROUP as u64));
    group.bench_function(format!("{GROUP} entries, written and synced"), |bencher| {
        bencher.iter(|| {
            for body in bodies.iter().take(GROUP) {
                drop(lane.append(body));
            }
            assert!(writer.turn());
            // Gives the places of the answered entries back.
            let mut context = Context::from_waker(Waker::noop());
            let _driven = Future::poll(driver.as_mut(), &mut context);
        });
    });
    group.finish();
    writer.close();
}

fn fold(criterion: &mut Criterion) {
    let entries = entries();
    let mut group = criterion.benchmark_group("counter fold");
    group.throughput(Throughput::Elements(entries.len() as u64));
    group.bench_function("openings and closings", |bencher| {
        bencher.iter_batched(
            || Fold::new(Zone::viet_nam()),
            |mut fold| {
                for entry in &entries {
                    fold.fold(entry).unwrap();
                }
                fold
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(pieces, look_up, meter, encoding, group_commit, fold);
criterion_main!(pieces);
