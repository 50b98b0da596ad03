//! Calls that the hub turned away, of every sort that the simulated plan knows, and those that
//! came too fast.

use ndxp_model::{Reason, ServiceName, SystemId};

use super::super::share::apportion;
use super::split::{links_of, spread};
use super::{Ending, Strand};
use crate::Method;
use crate::nation::{
    LAPSED_CONSUMER, LAPSED_PROVIDER, Nation, UNOFFERED_SERVICE, WITHDRAWN_PROVIDER,
    WITHDRAWN_SERVICE,
};

/// Sorts, and how many of a hundred refusals are of each.
const SORTS: [(Sort, u64); 7] = [
    (Sort::NoGrant, 22),
    (Sort::NoGrantForMethod, 11),
    (Sort::Lapsed, 6),
    (Sort::Ambiguous, 9),
    (Sort::Withdrawn, 14),
    (Sort::Unoffered, 8),
    (Sort::TooFast, 30),
];

#[derive(Clone, Copy, Debug)]
enum Sort {
    NoGrant,
    NoGrantForMethod,
    Lapsed,
    Ambiguous,
    Withdrawn,
    Unoffered,
    /// Identity verification beyond the consumer's rate: it had a grant, and no place.
    TooFast,
}

pub(super) fn strands(nation: &Nation, refused: u64) -> Vec<Strand> {
    let shares: Vec<_> = SORTS.iter().map(|(_, share)| *share).collect();
    let parts = SORTS.iter().zip(apportion(refused, &shares));
    parts
        .flat_map(|((sort, _), calls)| of_sort(nation, *sort, calls))
        .collect()
}

fn of_sort(nation: &Nation, sort: Sort, calls: u64) -> Vec<Strand> {
    let to = |provider: Option<&str>, service: &ServiceName, method: &str, reason| {
        let provider = provider.map(system);
        over_provinces(nation, calls, |consumer| {
            Strand::refused(consumer, provider.as_ref(), service, method, reason)
        })
    };
    let typed =
        |provider, method: Method, reason| to(provider, &method.service(), method.name(), reason);
    match sort {
        Sort::NoGrant => typed(Some("G22/payment"), Method::Pay, Reason::NoGrant),
        Sort::NoGrantForMethod => typed(
            Some("G24/insurance"),
            Method::DeclareBirths,
            Reason::NoGrant,
        ),
        Sort::Ambiguous => typed(None, Method::GetList, Reason::AmbiguousProvider),
        Sort::Withdrawn => to(
            Some(WITHDRAWN_PROVIDER),
            &name(WITHDRAWN_SERVICE),
            "LookUpParcel",
            Reason::ServiceDisabled,
        ),
        Sort::Unoffered => to(
            None,
            &name(UNOFFERED_SERVICE),
            "LookUpVehicle",
            Reason::UnknownService,
        ),
        Sort::Lapsed => {
            let (consumer, provider) = (system(LAPSED_CONSUMER), system(LAPSED_PROVIDER));
            let method = Method::LookUpParcel;
            let (service, name) = (method.service(), method.name());
            let reason = Reason::GrantExpired;
            let strand = Strand::refused(&consumer, Some(&provider), &service, name, reason);
            vec![Strand { calls, ..strand }]
        }
        Sort::TooFast => {
            let links = links_of(nation, |method| method == Method::VerifyIdentity);
            spread(&links, Ending::Hub(Reason::RateLimited), calls)
        }
    }
}

/// One strand for each province, by how much it calls.
fn over_provinces(nation: &Nation, calls: u64, of: impl Fn(&SystemId) -> Strand) -> Vec<Strand> {
    let links = links_of(nation, |method| method == Method::LookUpCard);
    let weights: Vec<_> = links.iter().map(|link| link.weight).collect();
    let parts = apportion(calls, &weights);
    let strand = |(link, calls): (&&crate::Link, u64)| Strand {
        calls,
        ..of(&link.consumer)
    };
    links.iter().zip(parts).map(strand).collect()
}

fn system(text: &str) -> SystemId {
    text.parse()
        .expect("the nation's systems have names of the registry's form")
}

fn name(text: &str) -> ServiceName {
    text.parse()
        .expect("the nation's services have proper names")
}
