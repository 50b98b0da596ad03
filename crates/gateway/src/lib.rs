//! The data plane: design section 3, top to bottom.
//!
//! [`exchange`](mod@exchange) is the request path; everything else serves it. The gateway knows
//! the journal and the registry's routing snapshot; it does not know the counters.
//!
//! Modules that read what peers send are public for the fuzz targets' sake.

mod exchange;

mod admission;
mod answer;
mod cut;
pub mod deadline;
mod forward;
pub mod metadata;
pub mod path;
mod record;
mod settle;

mod bodies;
pub mod meter;
mod own;
mod salt;
mod stamp;
mod stream;
mod upstream;
mod windows;

mod anteroom;
mod conduct;
mod connection;
mod core;
mod holders;
pub mod identity;
mod liveness;
mod pace;
mod peer;
mod placing;
mod stage;
mod threads;
pub mod trust;
mod validity;
pub mod verifier;

mod limits;
pub mod memory;
mod metrics;

pub use admission::{Admission, Allowance, Rate};
pub use anteroom::Anteroom;
pub use bodies::{Bodies, Held};
pub use core::Shared;
pub use cut::{Cuts, Scope};
pub use forward::grpc_status;
pub use holders::Holders;
pub use limits::Limits;
pub use metrics::Metrics;
pub use own::OwnServices;
pub use pace::Pace;
pub use peer::Caller;
pub use salt::SaltKey;
pub use stage::{Connecting, Stage, Stream, Wires};
pub use stamp::Stamp;
pub use threads::{Gateway, StartError};
pub use trust::{Trust, Trusted};
pub use upstream::{Circuit, DialError, Dialler, Healths, Pause, Shown};
pub use validity::Seen;
pub use windows::Windows;
