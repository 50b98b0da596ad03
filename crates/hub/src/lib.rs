//! The composition root's parts: configuration, authority, TLS, the observe port and the
//! services of the control plane.

pub mod config;
