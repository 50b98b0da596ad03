//! The nation's links, by their weights, over the endings that need no table of their own.

use ndxp_model::Reason;

use super::super::share::{apportion, scaled};
use super::super::volume::{JULY_2022, Volume};
use super::{Ending, Measure, Strand, documents};
use crate::method::{AMOUNT_VND, RECORDS};
use crate::nation::{Link, Nation};
use crate::{CallKind, Method};

/// Methods whose calls reports count by themselves: of July 2022 up to the 22nd, completed calls
/// and what they declared in sum. Row 11 of the figures speaks of more than 126 thousand payments
/// of more than 307 billion đồng in 31 days, which 22 days of this come to.
const BY_NAME: [(Method, u64, &str, u64, u64); 3] = [
    (Method::Pay, 89_420, AMOUNT_VND, 217_868_000_000, 1_000),
    (Method::SyncStatus, 57_490, RECORDS, 229_960, 1),
    (Method::DeclareBirths, 41_906, RECORDS, 62_214, 1),
];

/// Spreads calls with one ending over links.
pub(super) fn spread(links: &[&Link], ending: Ending, calls: u64) -> Vec<Strand> {
    let weights: Vec<_> = links.iter().map(|link| link.weight).collect();
    let parts = apportion(calls, &weights);
    let of = |(link, calls): (&&Link, u64)| Strand::of(link, ending, calls);
    links.iter().zip(parts).map(of).collect()
}

/// Spreads a measure's sum over strands by their calls.
pub(super) fn declare(strands: &mut [Strand], name: &'static str, total: u64, unit: u64) {
    let calls: Vec<_> = strands.iter().map(|strand| strand.calls).collect();
    let parts = apportion(total / unit, &calls);
    for (strand, part) in strands.iter_mut().zip(parts) {
        strand.measures.push(Measure {
            name,
            total: part * unit,
            unit,
            rows: name == RECORDS,
        });
    }
}

pub(super) fn links_of(nation: &Nation, wanted: impl Fn(Method) -> bool) -> Vec<&Link> {
    let links = nation.links().iter();
    links.filter(|link| wanted(link.method)).collect()
}

pub(super) fn paid_and_declared(nation: &Nation, volume: &Volume) -> Vec<Strand> {
    let of = |&(method, calls, name, total, unit): &(Method, u64, &'static str, u64, u64)| {
        let like = |value| scaled(value, volume.answered, JULY_2022.answered);
        let links = links_of(nation, |it| it == method);
        let mut strands = spread(&links, Ending::Completed, like(calls));
        declare(&mut strands, name, like(total), unit);
        strands
    };
    BY_NAME.iter().flat_map(of).collect()
}

/// Completed calls of all other methods.
pub(super) fn ordinary(nation: &Nation, calls: u64) -> Vec<Strand> {
    let is_named = |method| BY_NAME.iter().any(|row| row.0 == method);
    let links = links_of(nation, |method| {
        !is_named(method) && !documents::carries(method)
    });
    let mut strands = spread(&links, Ending::Completed, calls);
    for (strand, link) in strands.iter_mut().zip(links) {
        if link.method.measure() == Some(RECORDS) {
            strand.measures.push(Measure {
                name: RECORDS,
                total: strand.calls * strand.shape.rows(),
                unit: 1,
                rows: true,
            });
        }
    }
    strands
}

/// Calls that passed the hub's checks and were not completed, and tests, which are.
pub(super) fn unanswered(nation: &Nation, volume: &Volume) -> Vec<Strand> {
    let all = links_of(nation, |_| true);
    let unary = links_of(nation, |method| method.kind() == CallKind::Unary);
    let hanging = links_of(nation, |method| Method::HANGING.contains(&method));
    let followed = links_of(nation, |method| method == Method::StreamRegistrations);
    let verified = links_of(nation, |method| method == Method::VerifyIdentity);

    let mut strands = spread(&all, Ending::ProviderError, volume.provider_errors);
    let hub = |links: &[&Link], reason, calls| spread(links, Ending::Hub(reason), calls);
    strands.extend(hub(&hanging, Reason::ProviderTimeout, volume.timed_out));
    strands.extend(hub(&verified, Reason::EndingUnrecorded, volume.interrupted));
    strands.extend(spread(&followed, Ending::Cancelled, volume.cancelled));
    let absent = to_the_absent(nation);
    let absent: Vec<_> = absent.iter().collect();
    strands.extend(hub(
        &absent,
        Reason::ProviderUnreachable,
        volume.unreachable,
    ));

    let mut tests = spread(&unary, Ending::Completed, volume.tests);
    for test in &mut tests {
        test.test = true;
    }
    strands.extend(tests);
    strands
}

/// What provinces ask of the database where nobody listens.
fn to_the_absent(nation: &Nation) -> Vec<Link> {
    let verifying = links_of(nation, |method| method == Method::LookUpCard);
    let to_absent = |link: &Link| Link {
        provider: nation.absent().id.clone(),
        method: Method::GetList,
        ..link.clone()
    };
    verifying.into_iter().map(to_absent).collect()
}
