//! HTTP/2 (RFC 9113) for calls in transit: what a hub needs of it between two TLS connections, and nothing
//! else. A server takes requests, a client sends them; bodies pass as bytes within both sides' windows.
//!
//! All that is known of a connection is plain data in [`state`], which bytes are handed to and taken from;
//! [`connection`] moves them. Everything that a peer can make grow is bounded, by [`Config`] or by a constant
//! beside what it bounds. What is not there: server push, priorities, CONNECT, HTTP/1.

mod backlog;
mod buffers;
pub mod client;
mod config;
mod connection;
mod cutting;
mod error;
mod frame;
mod head;
mod hpack;
mod outgoing;
pub mod server;
mod state;
mod stream;

pub use backlog::{Backlog, THIN_BYTES};
pub use config::Config;
pub use error::{Error, Reason};
pub use frame::PAYLOAD_BYTES_MAX;
pub use state::{TakesNoMore, Target, WAITING_BYTES_MAX};
pub use stream::{RecvStream, ResponseFuture, SendResponse, SendStream};
