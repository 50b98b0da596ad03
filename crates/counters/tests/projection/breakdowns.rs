//! Every dimension under random filters, periods and parties, as it was and by successor, against a
//! count of the plain facts; and what must hold between answers.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use ndxp_counters::{
    Answer, CountQuery, Counters, CountersError, Counts, Dimension, Distinct, Filter, Side, top,
};
use ndxp_model::{Fault, Granularity, Instant, MemberClass, Outcome, Period, SystemKind, Zone};

use crate::answers::counted;
use crate::directory::Directory;
use crate::facts::{Fact, Sum, facts, member, told};
use crate::list::List;

const SIDES: [&str; 9] = [
    "H26",
    "H26/lgsp",
    "H26.12",
    "H27",
    "H27/portal",
    "G15/civil-status",
    "G01",
    "G24/insurance",
    "H63",
];

fn side(rng: &mut Rng) -> Side {
    match rng.u8(0..8) {
        0 => Side::Unknown,
        _ => Side::Party(rng.choice(SIDES).unwrap().parse().unwrap()),
    }
}

/// A filter of none to a few conditions.
fn filter(rng: &mut Rng) -> Filter {
    let mut filter = Filter::default();
    for _ in 0..rng.u8(0..4) {
        let name = |rng: &mut Rng, names: [&str; 4]| Some(rng.choice(names).unwrap().to_owned());
        match rng.u8(0..10) {
            0 | 1 => filter.consumer = Some(side(rng)),
            2 => filter.provider = Some(side(rng)),
            3 => filter.service = name(rng, ["gov.Identity", "gov.Card", "gov.Births", "gov.Land"]),
            4 => filter.method = name(rng, ["Find", "Check", "", "Find"]),
            5 => filter.kind = rng.choice(SystemKind::ALL),
            6 => filter.class = rng.choice(MemberClass::ALL),
            7 | 8 => filter.outcome = rng.choice(Outcome::ALL),
            _ => {
                filter.fault = rng.choice([
                    None,
                    Some(Fault::Consumer),
                    Some(Fault::Hub),
                    Some(Fault::Provider),
                ]);
            }
        }
    }
    filter
}

/// All, or from one local bucket's start to another's.
fn period(rng: &mut Rng, facts: &[Fact]) -> Period {
    let zone = Zone::viet_nam();
    let sizes = [
        Granularity::Hour,
        Granularity::Day,
        Granularity::Day,
        Granularity::Month,
    ];
    let size = rng.choice(sizes).unwrap();
    let mut start = || {
        let fact = rng.choice(facts).unwrap();
        let days = rng.i64(-1..2) * 86_400_000_000;
        zone.bucket(size, Instant::from_micros(fact.at_us + days))
            .from
    };
    let (one, other) = (start(), start());
    let (from, to) = (one.min(other), one.max(other));
    match rng.u8(0..6) {
        0 => CountQuery::since_launch().period,
        1 => Period {
            from,
            to: Instant::from_micros(i64::MAX),
        },
        2 => Period {
            from: Instant::EPOCH,
            to,
        },
        _ => Period { from, to },
    }
}

fn query(rng: &mut Rng, facts: &[Fact]) -> CountQuery {
    CountQuery {
        period: period(rng, facts),
        by: None,
        party: match rng.u8(0..4) {
            0 => Some(
                rng.choice(["H26", "G01/population"])
                    .unwrap()
                    .parse()
                    .unwrap(),
            ),
            _ => None,
        },
        filter: filter(rng),
        by_successor: rng.bool(),
        distinct: rng.bool(),
        durations: rng.u8(0..4) > 0,
    }
}

/// Asks; `None` where the counters say that they do not keep what was asked so finely, which they
/// may only where single connections' hours are needed.
#[track_caller]
pub fn ask(counters: &Counters, query: &CountQuery) -> Option<Answer> {
    let zone = Zone::viet_nam();
    let on_days = |end: Instant| {
        let open = end <= Instant::EPOCH || end == Instant::from_micros(i64::MAX);
        open || zone.bucket(Granularity::Day, end).from == end
    };
    match counters.count(query, &Directory) {
        Ok(answer) => Some(answer),
        Err(CountersError::HoursNotKept { .. }) => {
            let names = query.filter.is_by_name()
                || query.party.is_some()
                || query.distinct
                || query.by.is_some_and(Dimension::is_by_name);
            let days = on_days(query.period.from) && on_days(query.period.to);
            assert!(names && (!days || query.by == Some(Dimension::Hour)));
            None
        }
        // By successor, those who have one are refused; a filter on them finds nothing.
        Err(CountersError::Succeeded { value, .. }) => {
            assert!(query.by_successor, "{value}");
            None
        }
        Err(error) => panic!("{error}: {query:?}"),
    }
}

/// The answer, held against the facts.
#[track_caller]
pub fn check(facts: &[Fact], query: &CountQuery, answer: &Answer) {
    let mut rows: BTreeMap<String, Sum> = BTreeMap::new();
    let mut total = Sum::default();
    let (mut consumers, mut providers) = (BTreeSet::new(), BTreeSet::new());
    let within = |fact: &&Fact| query.period.contains(Instant::from_micros(fact.at_us));
    for fact in facts {
        let Some((key, [consumer, provider])) = fact.row(query) else {
            continue;
        };
        rows.entry(key).or_default().add(fact);
        total.add(fact);
        if fact.outcome.is_transaction() {
            consumers.insert(consumer);
            providers.insert(provider);
        }
    }
    if query.by.is_none() {
        rows.clear();
    }
    assert_eq!(Sum::of(&answer.total, &total), total);
    let keys: Vec<_> = answer.rows.iter().map(|(key, _)| key).collect();
    assert_eq!(
        keys,
        rows.keys().collect::<Vec<_>>(),
        "in order, none twice"
    );
    let mut sum = Counts::default();
    for ((key, counts), expected) in answer.rows.iter().zip(rows.values()) {
        assert_eq!(Sum::of(counts, expected), *expected, "{key}");
        sum.merge(counts).unwrap();
    }
    if query.by.is_some() {
        assert_eq!(sum, answer.total);
    }
    assert!(query.durations || total.transactions == 0 || answer.total.durations_absent.is_some());

    let systems: BTreeSet<_> = consumers.union(&providers).collect();
    let members: BTreeSet<_> = systems.iter().map(|system| member(system)).collect();
    let amount = |set: usize| u64::try_from(set).unwrap();
    let distinct = Distinct {
        consumers: amount(consumers.len()),
        providers: amount(providers.len()),
        systems: amount(systems.len()),
        members: amount(members.len()),
    };
    assert_eq!(answer.distinct, query.distinct.then_some(distinct));

    let first = facts.iter().find(within).map_or(0, |fact| fact.sequence);
    let last = facts.iter().rfind(within).map_or(0, |fact| fact.sequence);
    assert_eq!(
        (answer.first_sequence.get(), answer.last_sequence.get()),
        (first, last),
        "the period's, whatever is asked of it"
    );
}

/// The first so many rows and the others are all of them, and none of the others comes before.
#[track_caller]
fn check_top(answer: &Answer, most: usize) {
    let rank = |counts: &Counts| (counts.transactions().into(), counts.attempts().into());
    let parted = top(answer.rows.clone(), most, rank);
    assert_eq!(parted.rows.len(), most.min(answer.rows.len()));
    let mut sum = Counts::default();
    for (_, counts) in parted.rows.iter().chain(&parted.others) {
        sum.merge(counts).unwrap();
    }
    assert_eq!(sum, answer.total);
    let order = |(key, counts): &(String, Counts)| {
        let (transactions, attempts): (u128, u128) = rank(counts);
        (u128::MAX - transactions, u128::MAX - attempts, key.clone())
    };
    assert!(parted.rows.is_sorted_by_key(order));
    if let (Some(last), Some(next)) = (parted.rows.last(), parted.others.iter().map(order).min()) {
        assert!(order(last) < next);
    }
}

#[tokio::test]
async fn every_breakdown_of_every_question_equals_the_count_of_the_facts() {
    for seed in 100..104 {
        let directory = tempfile::tempdir().unwrap();
        let entries = told(seed, 700);
        let facts = facts(&entries);
        let counters = counted(directory.path(), &List::of(&entries)).await;
        let mut rng = Rng::with_seed(seed);
        let mut answered = 0;
        for round in 0..60 {
            let asked = query(&mut rng, &facts);
            for by in Dimension::ALL.into_iter().map(Some).chain([None]) {
                let query = CountQuery {
                    by,
                    ..asked.clone()
                };
                println!("seed {seed} round {round}: {query:?}");
                let Some(answer) = ask(&counters, &query) else {
                    continue;
                };
                answered += 1;
                check(&facts, &query, &answer);
                if by.is_some() {
                    check_top(&answer, rng.usize(0..6));
                }
            }
        }
        assert!(answered > 500, "most are answered, not {answered}");
        counters.stop();
    }
}

/// Days of a period, gathered into months or weeks, are its months and weeks.
#[tokio::test]
async fn days_add_up_to_weeks_and_months() {
    let directory = tempfile::tempdir().unwrap();
    let entries = told(110, 900);
    let facts = facts(&entries);
    let counters = counted(directory.path(), &List::of(&entries)).await;
    let mut rng = Rng::with_seed(110);
    let zone = Zone::viet_nam();
    let week = |day: &str| zone.week_label(zone.moment(day).unwrap().from);
    for round in 0..40 {
        let asked = query(&mut rng, &facts);
        println!("round {round}: {asked:?}");
        let by = |by| CountQuery {
            by: Some(by),
            ..asked.clone()
        };
        let Some(days) = ask(&counters, &by(Dimension::Day)) else {
            continue;
        };
        let months = ask(&counters, &by(Dimension::Month)).unwrap();
        let weeks = ask(&counters, &by(Dimension::Week)).unwrap();
        for (rows, label) in [
            (
                months.rows,
                &(|day: &str| day[..7].to_owned()) as &dyn Fn(&str) -> String,
            ),
            (weeks.rows, &week),
        ] {
            let mut gathered: BTreeMap<String, Counts> = BTreeMap::new();
            for (day, counts) in &days.rows {
                let row = gathered.entry(label(day)).or_default();
                row.merge(counts).unwrap();
            }
            let known = Sum::default();
            let shown = |rows: &mut dyn Iterator<Item = (&String, &Counts)>| -> Vec<_> {
                rows.map(|(key, counts)| (key.clone(), without_durations(counts, &known)))
                    .collect()
            };
            assert_eq!(
                shown(&mut gathered.iter()),
                shown(&mut rows.iter().map(|(key, counts)| (key, counts)))
            );
        }
    }
}

fn without_durations(counts: &Counts, known: &Sum) -> Sum {
    let mut sum = Sum::of(counts, known);
    sum.us_max = 0;
    sum
}

/// What was answered of a period that is over is answered for ever: later entries, restarts and
/// rebuilds change nothing of it, but that durations are kept less finely.
#[tokio::test]
async fn a_period_that_is_over_never_changes() {
    let directory = tempfile::tempdir().unwrap();
    let entries = told(120, 800);
    let (before, after) = entries.split_at(500);
    let known = facts(before);
    let list = List::of(before);
    let counters = counted(directory.path(), &list).await;
    let now = counters.watermark().at;
    let mut rng = Rng::with_seed(120);
    let mut asked = Vec::new();
    while asked.len() < 80 {
        let query = CountQuery {
            by: rng.choice(Dimension::ALL.map(Some)).unwrap(),
            ..query(&mut rng, &known)
        };
        if query.period.to <= now
            && let Some(answer) = ask(&counters, &query)
        {
            asked.push((query, answer));
        }
    }
    let check = |counters: &Counters, when: &str| {
        let mut same = 0;
        for (query, answer) in &asked {
            println!("{when}: {query:?}");
            let Some(again) = ask(counters, query) else {
                continue;
            };
            same += 1;
            let frozen = |answer: &Answer| {
                let known = Sum::default();
                let rows = answer.rows.iter();
                let rows: Vec<_> = rows
                    .map(|(key, counts)| (key.clone(), without_durations(counts, &known)))
                    .collect();
                let ends = (answer.first_sequence, answer.last_sequence);
                (
                    rows,
                    without_durations(&answer.total, &known),
                    answer.distinct,
                    ends,
                )
            };
            assert_eq!(frozen(&again), frozen(answer), "{when}: {query:?}");
            if again.total.durations_absent.is_none() && answer.total.durations_absent.is_none() {
                assert_eq!(again.total, answer.total, "{when}: {query:?}");
            }
        }
        assert!(same > 40, "{when}: {same} are still answered");
    };
    list.append(after);
    counters.reached(list.end()).await.unwrap();
    check(&counters, "later");
    counters.stop();
    let counters = counted(directory.path(), &list).await;
    check(&counters, "after a restart");
    counters.stop();
    std::fs::remove_dir_all(directory.path().join("counters")).unwrap();
    let counters = counted(directory.path(), &list).await;
    check(&counters, "after a rebuild");
    counters.stop();
}
