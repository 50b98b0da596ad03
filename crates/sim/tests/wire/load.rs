//! A load through the stand-in: everybody agrees on what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use ndxp_model::{Outcome, SystemId};
use ndxp_sim::{Link, Load, Nation, Options, Plan, Progress, Providers, Shares, Tally, Target};

use crate::issuer::Issuer;
use crate::stand_in;

const SEED: u64 = 20_220_722;

fn options() -> Options {
    Options {
        seed: SEED,
        concurrency: NonZeroUsize::new(32).expect("not zero"),
        rate_per_second: None,
        shares: Shares::default(),
        roll_call: false,
    }
}

async fn scene(options: Options) -> (Providers, Load) {
    let (issuer, nation) = (Issuer::new(), Nation::new());
    let providers = Providers::start(&nation, &issuer, &issuer.authorities())
        .await
        .expect("providers start");
    let catalogue = nation.catalogue(&|system: &SystemId| providers.endpoints(system));
    let hub = stand_in::hub(&issuer, catalogue).await;
    let load = Load::new(&nation, &issuer, &hub, options).expect("usable PEM");
    (providers, load)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_ends_as_planned_and_the_providers_count_what_reached_them() {
    const CALLS: u64 = 4_000;
    let (providers, mut load) = scene(options()).await;
    let mut last = None::<Progress>;
    let tally = load
        .run(None, Some(CALLS), |progress| last = Some(progress.clone()))
        .await;

    assert_eq!(tally.surprised, 0, "{:#?}", tally.surprises);
    assert_eq!(tally.calls(), CALLS);
    let plan = Plan::new(&Nation::new(), Shares::default(), SEED);
    let mut planned = BTreeMap::<Target, BTreeMap<Outcome, u64>>::new();
    for call in (0..CALLS).map(|n| plan.call(n)).filter(|call| !call.test) {
        let outcomes = planned.entry(call.target).or_default();
        *outcomes.entry(call.expected).or_default() += 1;
    }
    assert_eq!(tally.connections, planned, "seed {SEED}");

    let mut reached = BTreeMap::<Target, u64>::new();
    for (execution, count) in providers.executions() {
        let target = Target {
            consumer: execution.consumer.expect("the stand-in names the consumer"),
            provider: Some(execution.provider),
            service: execution.service,
        };
        *reached.entry(target).or_default() += count;
    }
    assert_eq!(reached, reaching(&tally));

    let last = last.expect("a snapshot at the end");
    assert_eq!((last.begun, last.ended, last.in_flight), (CALLS, CALLS, 0));
    assert_eq!(last.outcomes.values().sum::<u64>(), CALLS);
    assert!(last.latency.count > 0 && last.latency.mean >= last.service_time.mean);
    assert!(
        tally
            .measures
            .keys()
            .any(|(_, _, name)| *name == "amount_vnd")
    );
}

/// The calls of a tally, tests with them, that came as far as the provider.
fn reaching(tally: &Tally) -> BTreeMap<Target, u64> {
    let mut sums = BTreeMap::new();
    for (target, outcomes) in tally.connections.iter().chain(&tally.tests) {
        for (outcome, count) in outcomes {
            if !matches!(outcome, Outcome::Refused | Outcome::Unreachable) {
                *sums.entry(target.clone()).or_default() += count;
            }
        }
    }
    sums
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_load_begins_nothing_more_and_a_second_run_goes_on_behind_the_first() {
    let (_providers, mut load) = scene(Options {
        shares: Shares::NONE,
        ..options()
    })
    .await;
    let first = load.run(None, Some(50), |_| {}).await;
    let second = load.run(None, Some(50), |_| {}).await;
    let plan = Plan::new(&Nation::new(), Shares::NONE, SEED);
    let mut planned = BTreeMap::<Target, u64>::new();
    for call in (0..100).map(|n| plan.call(n)) {
        *planned.entry(call.target).or_default() += 1;
    }
    assert_eq!(first.calls() + second.calls(), 100);
    let mut both = reaching(&first);
    for (target, count) in reaching(&second) {
        *both.entry(target).or_default() += count;
    }
    assert_eq!(both, planned);

    load.stop().stop();
    assert_eq!(load.run(None, None, |_| {}).await.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paced_load_begins_no_call_before_it_is_due() {
    let (_providers, mut load) = scene(Options {
        rate_per_second: NonZeroU32::new(200),
        shares: Shares::NONE,
        ..options()
    })
    .await;
    let length = Duration::from_millis(500);
    let tally = load.run(Some(length), None, |_| {}).await;
    // Calls 0 to 99 are due within half a second, where the machine keeps up.
    assert!((1..=100).contains(&tally.calls()), "{}", tally.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roll_call_is_ended_however_little_time_there_is() {
    let (_providers, mut load) = scene(Options {
        roll_call: true,
        ..options()
    })
    .await;
    let tally = load.run(Some(Duration::ZERO), None, |_| {}).await;
    assert_eq!(tally.surprised, 0, "{:#?}", tally.surprises);
    let took_part: BTreeSet<_> = tally
        .connections
        .keys()
        .flat_map(|target| target.provider.iter().chain([&target.consumer]).cloned())
        .collect();
    let exchanging = |link: &Link| [link.consumer.clone(), link.provider.clone()];
    let nation = Nation::new();
    assert_eq!(
        took_part,
        nation.links().iter().flat_map(exchanging).collect()
    );
    let again = load.run(Some(Duration::ZERO), None, |_| {}).await;
    assert_eq!(again.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_without_a_hub_are_told_apart_from_every_outcome() {
    let (issuer, nation) = (Issuer::new(), Nation::new());
    let reserved = tokio::net::TcpSocket::new_v4().expect("a socket");
    let any_port = ([127, 0, 0, 1], 0).into();
    reserved.bind(any_port).expect("a port");
    let nobody = stand_in::at(reserved.local_addr().expect("an address"), &issuer);
    let mut load = Load::new(&nation, &issuer, &nobody, options()).expect("usable PEM");
    let tally = load.run(None, Some(40), |_| {}).await;
    assert_eq!(tally.calls(), 40);
    assert_eq!(tally.unknown.values().sum::<u64>(), 40);
    assert_eq!(tally.by_outcome().values().sum::<u64>(), 0);
    assert_eq!(tally.surprised, 40);
}
