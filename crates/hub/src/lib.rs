//! The composition root's parts: configuration, authority, TLS, the observe port and the
//! services of the control plane.

mod accept;
pub mod authority;
pub mod config;
pub mod observe;
pub mod secret;
pub mod tls;

// TEMPORARY
extern crate self as ndxp_gateway;
#[path = "../../gateway/src/identity.rs"]
pub mod identity;
#[path = "../../gateway/src/verifier.rs"]
pub mod verifier;
