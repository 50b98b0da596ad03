//! Simulated provinces, ministries and national systems: participants that know only the
//! wire. They stand beside the hub, never behind it: nothing here reads a registry or a
//! journal, so that what they count can be compared with what the hub has written down.
//!
//! `nation` says who there is, `plan` what they do, `provider` serves, `consumer` calls, and
//! `load` lets all of it run and counts.
//!
//! Apart from these stand `history`, which writes the journal that a month of the nation would have
//! left behind and knows the journal alone, and `frames`, what bad peers say.

mod credentials;
mod documents;
mod members;
mod method;
mod mixed;
mod nation;
mod script;

mod plan;

mod provider;

mod consumer;
mod ending;

mod durations;
mod load;
mod tally;

pub mod frames;
pub mod history;

pub use consumer::{Consumer, HubAddress};
pub use credentials::{Authorities, Credentials, CredentialsError, Identity, SetupError};
pub use durations::Summary;
pub use ending::{Ending, Seen, seen};
pub use load::{Load, Options, Stop};
pub use members::{MEMBERS_CSV, Member};
pub use method::{CallKind, Method};
pub use nation::{Link, Nation, Participant};
pub use plan::{Action, Call, Plan, Shares};
pub use provider::{Execution, Providers};
pub use script::{Failure, Script};
pub use tally::{Progress, Surprise, Tally, Target};
