//! The composition root's parts: configuration, authority, TLS, the observe port, the registry's
//! keeper and the services of the control plane.

// What must be right before anything binds.
pub mod config;

mod limits;
pub mod memory;

pub mod authority;
pub mod secret;
pub mod tls;

// What becomes of the data directory beside a hub.
mod archive;
pub mod backup;

// What changes the registry, and what the ports answer.
pub mod keeper;
pub mod role;

mod accept;
mod reflection;

pub mod control;
pub mod exchange;
pub mod health;
pub mod observe;

// What runs beside them, and what puts all together.
mod expiry;
mod leftover;
mod packing;
mod probe;
mod salt_file;
mod telemetry;

mod run;

pub use limits::cores;
pub use run::{Endpoints, Hub, StartError, shared};
