//! What the counters answer when they cannot answer.

use ndxp_model::{Instant, Period, Sequence};

use crate::counter::Overflow;
use crate::damage::{Damage, StoreError};
use crate::delta::FoldError;
use crate::dimension::Dimension;
use crate::home::HomeError;
use crate::source::SourceError;

#[derive(Debug, thiserror::Error)]
pub enum CountersError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("the counters' store: {0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the counters cannot follow the journal: {0}")]
    Fold(#[from] FoldError),
    #[error(transparent)]
    Overflow(#[from] Overflow),
    #[error(
        "the counters were damaged {rebuilds} times since the start, the last time so: {damage}; \
         check the machine's disk and memory, then start the hub again"
    )]
    DamagedAgain { rebuilds: u32, damage: Damage },
    #[error("the counters were damaged and are being set aside; ask again shortly")]
    Rebuilding,
    #[error("the counters stand still: {reason}")]
    Failed { reason: String },
    #[error("the counters are stopped")]
    Stopped,
    #[error("sequence {wanted} is not reached: the journal at rest ends at {watermark}")]
    NotReached {
        wanted: Sequence,
        watermark: Sequence,
    },
    #[error(
        "the period from {} to {} does not lie on whole hours of {zone}; counts are kept by the hour",
        period.from, period.to
    )]
    NotWholeHours { period: Period, zone: String },
    #[error(
        "a breakdown by {by} of {rows} rows from {from} was asked for, at most {rows_max} are \
         answered; ask for a shorter period or by day"
    )]
    TooManyRows {
        by: Dimension,
        from: Instant,
        rows: u64,
        rows_max: u64,
    },
    #[error(
        "counts by the hour of single connections are kept from {since} on, and {from} was asked \
         for; ask by whole days, which are kept for ever, or for all connections together"
    )]
    HoursNotKept { from: String, since: String },
    #[error(
        "{field} = {value:?}: no such {sort} is registered, and none was counted; {}",
        remedy(nearest)
    )]
    UnknownName {
        field: &'static str,
        value: String,
        sort: &'static str,
        nearest: Vec<String>,
    },
    #[error(
        "{field} = {value:?}: by successor, {value} counts with {successor}; write that, or ask \
         as it was"
    )]
    Succeeded {
        field: &'static str,
        value: String,
        successor: String,
    },
    #[error("cannot start the projection's thread: {0}")]
    Thread(std::io::Error),
}

impl CountersError {
    /// Whether it is the question that cannot be answered, and not the counters that cannot answer.
    #[must_use]
    pub const fn is_about_the_question(&self) -> bool {
        matches!(
            self,
            Self::NotWholeHours { .. }
                | Self::TooManyRows { .. }
                | Self::HoursNotKept { .. }
                | Self::UnknownName { .. }
                | Self::Succeeded { .. }
        )
    }
}

fn remedy(nearest: &[String]) -> String {
    match nearest.split_last() {
        None => "write it as the registry lists it".to_owned(),
        Some((only, [])) => format!("the nearest is {only}"),
        Some((last, others)) => format!("the nearest are {} and {last}", others.join(", ")),
    }
}
