//! Whoever has least room decides, and what was taken is given back.

use super::*;

const NOW: Instant = Instant::from_micros(1_000_000_000);

fn allowance(rate: u32, burst: u32, concurrency: u32) -> Allowance {
    let [rate, burst, concurrency] = [rate, burst, concurrency].map(NonZeroU32::new);
    Allowance::new(rate, burst, concurrency)
}

/// How many of eight calls that do not end are admitted, and why the next is not.
#[track_caller]
fn check(
    hub: Allowance,
    its: Allowance,
    granted: Allowance,
    (admitted, reason, says): (usize, Reason, &str),
) {
    let admission = Admission::new(hub, allowance(0, 0, 7));
    let provider: SystemId = "G01/a".parse().unwrap();
    let its_gate = admission.provider(&provider);
    let system: SystemId = "H26/lgsp".parse().unwrap();
    let connection = ndxp_model::Connection {
        consumer: system.clone(),
        provider: "G01/a".parse().unwrap(),
        service: "a.B".parse().unwrap(),
    };
    let id = GrantId::of(&connection);
    let gate = admission.consumer(&system);
    let calls = (0..8).map(|_| {
        let consumer = Asking {
            id: &system,
            allowance: its,
        };
        let grant = Some(Asking {
            id: &id,
            allowance: granted,
        });
        admission.admit(&gate, consumer, grant, Some((&provider, &its_gate)), NOW)
    });
    let calls: Vec<_> = calls.collect();
    let found = calls.iter().filter(|call| call.is_ok()).count();
    assert_eq!(found, admitted, "{says}");
    let refusal = calls.iter().find_map(|call| call.as_ref().err()).unwrap();
    assert_eq!(refusal.reason, reason, "{says}");
    assert!(refusal.detail.ends_with(says), "{}", refusal.detail);
    assert!(refusal.retry_after.is_some(), "{says}");
    drop(calls);
    for it in [&gate, &its_gate, &admission.hub] {
        assert_eq!(it.calls_in_flight.load(Ordering::Relaxed), 0, "{says}");
    }
    assert_eq!(admission.active.load(Ordering::Relaxed), 0, "{says}");
}

#[test]
fn whoever_has_least_room_decides() {
    use Reason::{HubOverloaded, ProviderOverloaded, RateLimited};
    let none = Allowance::default();
    let few = |count| allowance(0, 0, count);
    let slow = |rate, burst| allowance(rate, burst, 0);
    let rows = [
        (
            none,
            few(3),
            none,
            3,
            RateLimited,
            "H26/lgsp is allowed 3 calls at once",
        ),
        (
            none,
            slow(4, 0),
            none,
            4,
            RateLimited,
            "is allowed 4 calls a second",
        ),
        (
            none,
            none,
            few(2),
            2,
            RateLimited,
            "G01/a/a.B allows 2 calls at once",
        ),
        (
            none,
            none,
            slow(5, 2),
            2,
            RateLimited,
            "allows 5 calls a second with 2 at once",
        ),
        (
            few(1),
            none,
            none,
            1,
            HubOverloaded,
            "the hub carries 1 calls at once",
        ),
        (
            slow(6, 0),
            none,
            none,
            6,
            HubOverloaded,
            "the hub carries 6 calls a second",
        ),
        (
            few(3),
            few(2),
            few(1),
            1,
            RateLimited,
            "allows 1 calls at once",
        ),
        (
            few(1),
            few(2),
            few(3),
            1,
            HubOverloaded,
            "carries 1 calls at once",
        ),
        (
            none,
            none,
            none,
            7,
            ProviderOverloaded,
            "G01/a is given 7 calls at once",
        ),
        (
            slow(7, 0),
            slow(3, 0),
            few(5),
            3,
            RateLimited,
            "is allowed 3 calls a second",
        ),
    ];
    for (hub, its, granted, admitted, reason, says) in rows {
        check(hub, its, granted, (admitted, reason, says));
    }
}

#[test]
fn an_allowance_of_ones_own_stands_before_the_hubs() {
    let hub = allowance(5, 0, 50);
    assert_eq!(Allowance::default().or(hub), hub);
    assert_eq!(allowance(7, 9, 0).or(hub), allowance(7, 9, 50));
    assert_eq!(allowance(0, 0, 3).or(hub), allowance(5, 0, 3));
}

#[test]
fn refusals_are_told_at_once_until_they_are_many() {
    let gate = Gate::default();
    let burst = (0..200).map(|_| gate.refusal_wait(NOW)).max();
    assert_eq!(burst, Some(Duration::ZERO));
    assert_eq!(gate.refusal_wait(NOW), Duration::from_millis(5));
    let last = (0..100_000).map(|_| gate.refusal_wait(NOW)).last();
    assert_eq!(last, Some(REFUSAL_WAIT_MAX));
    let later = NOW.saturating_add(REFUSAL_WAIT_MAX + Duration::from_secs(1));
    assert_eq!(gate.refusal_wait(later), Duration::ZERO);
}
