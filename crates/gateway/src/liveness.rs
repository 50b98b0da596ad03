//! Connections whose other end has vanished: a machine that lost its power says no good-bye.
//!
//! The kernel asks an idle peer whether it is still there. HTTP/2 PINGs would do the same, but
//! providers built on some gRPC libraries close a connection that pings them often.
//!
//! The same kernel gives up a peer to which nothing can be sent: one that has vanished with data
//! under way, and one that lives and reads nothing. HTTP/2's windows let a slow reader of one call
//! be slow; a connection that is not read at all holds up everything on it.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Silence after which the kernel begins to ask, how often it asks, and how many questions may go
/// unanswered: a vanished peer is noticed within a minute.
const IDLE: Duration = Duration::from_secs(30);
const BETWEEN: Duration = Duration::from_secs(10);
const UNANSWERED_MAX: u32 = 3;
/// How long data may wait to be taken by the peer's machine.
#[cfg(target_os = "linux")]
const UNTAKEN_MAX: Duration = Duration::from_secs(60);

/// Sets up a new connection: small frames leave at once, and a vanished peer is noticed.
pub fn watch(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(IDLE)
        .with_interval(BETWEEN)
        .with_retries(UNANSWERED_MAX);
    let socket = SockRef::from(tcp);
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNTAKEN_MAX))?;
    socket.set_tcp_keepalive(&keepalive)
}
