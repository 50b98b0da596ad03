//! The checker against the hub's own counters: random journals on which both must agree, and
//! changes to what is stored that the checker must find.

use std::sync::Arc;

use jiff::tz::TimeZone;
use ndxp_counters::Counters;
use ndxp_journal::{FileDisk, Journal, Options, Reader};
use ndxp_model::{
    Granularity, Instant, ManualClock, Outcome, Period, Sequence, TransactionId, Zone,
};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{
    Call, Connection, Entry, Measure, TransactionClosed, TransactionOpened,
};
use ndxp_proto::statistics::v1::Counter;

use super::{Check, Rule, Verdict};

/// 2022-12-31T16:59:00Z: a minute before hour, day, month and year end in Viet Nam.
const START_US: i64 = 1_672_505_940_000_000;

/// A journal of some hundred calls over some hours, and its counters.
fn written(seed: u64) -> (tempfile::TempDir, Reader, Vec<Counter>, Sequence) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Instant::from_micros(START_US)));
    let options = Options::new(folder.path().join("journal"));
    let journal = Journal::open(options, Arc::new(FileDisk), clock.clone(), Arc::new(())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (lane, driver) = journal.lane();
        let driver = tokio::spawn(driver);
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut now_us = START_US;
        for number in 0..300 {
            // Mostly moments; now and then so long that hours are kept no more.
            now_us += match dice.u8(0..12) {
                0 => dice.i64(0..20 * 24 * 3_600_000_000),
                _ => dice.i64(0..90_000_000),
            };
            clock.set(Instant::from_micros(now_us));
            let call = random_call(&mut dice);
            let id = TransactionId::new(Instant::from_micros(now_us), number);
            let id = id.as_bytes().to_vec();
            let refused = dice.u8(0..10) == 0;
            let mut closed = random_closing(&mut dice, id.clone(), &call);
            if refused {
                closed.outcome = Outcome::Refused.number().into();
                closed.refused_call = Some(Box::new(call));
            } else {
                let opened = TransactionOpened {
                    transaction_id: id,
                    call: Some(call),
                };
                let committed = lane.append(&Body::Opened(opened)).await.unwrap();
                closed.opened_sequence = committed.sequence.get();
            }
            // A few are left open.
            if refused || dice.u8(0..20) > 0 {
                lane.append(&Body::Closed(closed)).await.unwrap();
            }
        }
        driver.abort();
    });
    journal.close();
    let reader = Reader::open(&folder.path().join("journal")).unwrap();
    let directory = folder.path().join("counters");
    let counters =
        Counters::open_offline(directory, Zone::viet_nam(), reader.clone(), |_, _| {}).unwrap();
    let mut stored = Vec::new();
    let watermark = counters.dump(&mut |counter| stored.push(counter)).unwrap();
    counters.stop();
    (folder, reader, stored, watermark.sequence)
}

fn random_call(dice: &mut fastrand::Rng) -> Call {
    let mut chosen = |from: &[&str]| dice.choice(from).map(ToString::to_string).unwrap();
    let connection = Connection {
        consumer: chosen(&["H26/lgsp", "H29/lgsp", ""]),
        provider: chosen(&["G01/population", "G24/insurance", ""]),
        service: chosen(&["a.v1.A", "a.v1.B"]),
    };
    Call {
        connection: Some(connection),
        method: dice.choice(["Get", "List", ""]).unwrap().to_owned(),
        test: dice.u8(0..12) == 0,
        ..Call::default()
    }
}

fn random_closing(dice: &mut fastrand::Rng, id: Vec<u8>, call: &Call) -> TransactionClosed {
    let mut measures = Vec::new();
    for name in ["amount_vnd", "records"] {
        if dice.bool() {
            let (name, value) = (name.to_owned(), dice.u64(0..1_000));
            measures.push(Measure { name, value });
        }
    }
    TransactionClosed {
        transaction_id: id,
        connection: call.connection.clone(),
        method: call.method.clone(),
        grpc_status: dice.choice([0, 5, 12]).unwrap(),
        fault: dice.i32(0..4),
        outcome: dice
            .choice(Outcome::ALL)
            .map(|it| it.number().into())
            .unwrap(),
        request_bytes: dice.u64(0..5_000),
        response_bytes: dice.u64(0..50_000),
        request_messages: dice.u64(0..4),
        response_messages: dice.u64(0..40),
        total_us: dice.u64(..) >> dice.u32(20..64),
        measures,
        test: call.test,
        ..TransactionClosed::default()
    }
}

fn check(reader: &Reader, stored: Vec<Counter>, through: Sequence) -> Verdict {
    let mut check = Check::new(TimeZone::get("Asia/Ho_Chi_Minh").unwrap());
    for counter in stored {
        check.stored(counter);
    }
    let mut now_us = 0;
    for entry in reader.entries(Sequence::new(1), through) {
        let entry = entry.unwrap();
        now_us = entry.committed_at_us;
        check.entry(&entry);
    }
    check.finish(through.get(), now_us)
}

#[test]
fn checker_and_counters_agree_on_any_journal() {
    for seed in 0..4 {
        let (_folder, reader, stored, through) = written(seed);
        let verdict = check(&reader, stored, through);
        assert!(
            verdict.findings.is_empty(),
            "seed {seed}: {:?}",
            verdict.findings
        );
        assert!(
            verdict.summary.attempts > 200 && verdict.summary.tests > 5,
            "seed {seed}"
        );
        assert!(verdict.summary.in_flight > 0, "seed {seed}");
    }
}

/// Every hour, day and month with anything in it, and some windows across them.
fn periods(entries: &[Entry]) -> Vec<Period> {
    let zone = Zone::viet_nam();
    let mut periods = Vec::new();
    for entry in entries {
        let at = Instant::from_micros(entry.committed_at_us);
        for granularity in [Granularity::Month, Granularity::Day, Granularity::Hour] {
            let period = zone.bucket(granularity, at);
            if !periods.contains(&period) {
                periods.push(period);
            }
        }
    }
    let windows: Vec<Period> = periods
        .iter()
        .zip(periods.iter().skip(20))
        .map(|(one, other)| Period {
            from: one.from.min(other.from),
            to: other.to.max(one.to),
        })
        .collect();
    periods.extend(windows);
    periods
}

#[test]
fn any_period_is_recounted_by_itself() {
    let (folder, reader, _, through) = written(3);
    let entries: Vec<Entry> = reader
        .entries(Sequence::new(1), through)
        .collect::<Result<_, _>>()
        .unwrap();
    let now_us = entries.last().unwrap().committed_at_us;
    let directory = folder.path().join("counters");
    let counters = Counters::open_offline(directory, Zone::viet_nam(), reader, |_, _| {}).unwrap();
    let recount = |period: Period, stored: &[Counter]| {
        let (from_us, to_us) = (period.from.as_micros(), period.to.as_micros());
        let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
        let mut check = Check::of_period(zone, from_us, to_us);
        for counter in stored {
            check.stored(counter.clone());
        }
        let within: Vec<&Entry> = entries
            .iter()
            .filter(|entry| (from_us..to_us).contains(&entry.committed_at_us))
            .collect();
        let sequence = |entry: Option<&&Entry>| entry.map(|entry| entry.sequence);
        check.begin(sequence(within.first()).unwrap());
        for entry in &within {
            check.entry(entry);
        }
        let last = sequence(within.last()).unwrap();
        (check.finish(last, now_us), last)
    };
    let (mut compared, mut lost) = (0, 0);
    for period in periods(&entries) {
        let mut stored = Vec::new();
        counters
            .dump_within(Some(period), &mut |counter| stored.push(counter))
            .unwrap();
        let (verdict, last) = recount(period, &stored);
        assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
        assert_eq!(verdict.summary.last_sequence, last);
        compared += verdict.summary.counters;
        if stored.pop().is_some() {
            let (verdict, _) = recount(period, &stored);
            lost += verdict.findings.counts().len();
        }
    }
    assert!(compared > 1_000 && lost > 50, "{compared} {lost}");
    counters.stop();
}

#[test]
fn any_counter_that_is_lost_or_changed_is_found() {
    let (_folder, reader, stored, through) = written(1);
    let mut dice = fastrand::Rng::with_seed(2);
    for _ in 0..15 {
        let place = dice.usize(0..stored.len());
        let mut lost = stored.clone();
        let counter = lost.remove(place);
        let verdict = check(&reader, lost, through);
        assert_eq!(
            verdict.findings.counts().get(&Rule::CounterMissing),
            Some(&1),
            "{counter:?}"
        );

        let mut changed = stored.clone();
        changed[place].response_bytes += 1;
        let verdict = check(&reader, changed, through);
        assert_eq!(
            verdict.findings.counts().get(&Rule::CounterDiffers),
            Some(&1),
            "{counter:?}"
        );
    }
}
