//! The request as the provider is sent it.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use ndxp_http2::Target;
use tokio::time::Instant;

use super::Passage;
use crate::upstream::Lease;

/// What a provider is told beyond what the hub waits, so that it is the hub, in the same words
/// for every provider, that says the deadline has passed.
const PROVIDER_GRACE: Duration = Duration::from_millis(100);

/// Whom the request is for.
pub fn target<'a>(passage: &'a Passage<'_>, lease: &'a Lease) -> Target<'a> {
    Target {
        authority: lease.authority.as_str(),
        path: passage
            .head
            .uri
            .path_and_query()
            .map_or("/", |it| it.as_str()),
    }
}

/// How long the provider has, from now on.
pub fn told_timeout(passage: &Passage<'_>) -> HeaderValue {
    let left = passage.deadline.saturating_duration_since(Instant::now());
    let told = crate::deadline::format_timeout(left + PROVIDER_GRACE);
    let mut told = HeaderValue::try_from(told).expect("digits and a letter");
    told.set_sensitive(true);
    told
}

/// The consumer's headers, with the provider's own time in place of the consumer's.
pub fn headers<'a>(
    passage: &'a Passage<'_>,
    (name, told): &'a (HeaderName, HeaderValue),
) -> impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)> {
    let others = passage.head.headers.iter();
    let others = others.filter(move |(other, _)| *other != name);
    others.chain(std::iter::once((name, told)))
}
