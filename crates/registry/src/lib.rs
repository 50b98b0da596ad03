//! The registry: who is a member, what systems they run, what these offer, and who may call.
//!
//! A projection of the journal. [`parse_catalogue`] reads what an operator wrote,
//! [`Registry::plan`] says what that would change, the hub journals the changes, and
//! [`Registry::apply`] folds them. Routing asks the same value: its maps are persistent, so that
//! a snapshot for the request path is a clone, and a change costs in proportion to the change.
//!
//! Absences: nothing here speaks to the network, holds a lock or knows what counters are; the
//! only I/O is the checkpoint file and the journal's reader.

#[cfg(test)]
mod fixture;
mod limits;
mod words;

mod problem;
mod record;

mod file;

mod act;
mod descriptors;
mod lifecycle;

mod check;
mod difference;
mod fold;
mod plan;
mod route;

mod coverage;
mod export;

mod audit;
mod checkpoint;
mod history;

pub use act::{Act, ITEM_BYTES_MAX, REFUSED_BYTES_MAX, cut};
pub use audit::{AUDIT_LIMIT, AUDIT_LIMIT_MAX, audit};
pub use checkpoint::{CheckpointError, Damage};
pub use descriptors::Descriptors;
pub use export::write_catalogue;
pub use file::{CatalogueFile, CatalogueFormat, Lines, Parsed, parse_catalogue, parse_catalogues};
pub use fold::{FoldError, Registry, Unreadable};
pub use history::{HistoryError, registry_at};
pub use lifecycle::{
    GrantAction, action_between, grant_transition, is_open, needs_reason, transition,
};
pub use limits::*;
pub use plan::Plan;
pub use problem::{CatalogueError, CatalogueErrors, ItemKind, Place, Problem};
pub use record::{GrantRecord, Limits, ServiceRecord, SystemRecord, Window};
pub use route::{CertificateIdentity, Route};
