//! The cores' threads: one listener each on the same address (SO_REUSEPORT), started together
//! and drained together.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use ndxp_journal::Journal;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::watch;

use crate::core::{Core, Shared};
use crate::placing::Placing;

/// Connections that wait to be accepted, per core.
const BACKLOG: i32 = 1_024;
/// Tasks that a busy core runs between two looks at its sockets, and at what the journal's thread has
/// written down. The runtime's own 61 and 31 are for tasks of microseconds; beside a peer whose connection
/// always has half a millisecond's work, calls of others were ready for 5 to 10 ms before they were seen.
const SOCKETS_EVERY: u32 = 8;
const JOURNAL_EVERY: u32 = 4;

/// The running data plane.
pub struct Gateway {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

/// Why the data plane could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("cannot start the runtime of core {core}: {source}")]
    Runtime { core: usize, source: io::Error },
}

impl Gateway {
    /// Listens and serves on `cores` threads.
    ///
    /// # Errors
    /// When the address cannot be listened on or a thread cannot be started.
    pub fn start(
        listen: SocketAddr,
        cores: usize,
        shared: &Arc<Shared>,
        journal: &Journal,
    ) -> Result<Self, StartError> {
        let placings = Placing::of_cores(shared.metrics.core_connections(cores));
        let serve = placings.into_iter().enumerate().map(|(core, placing)| {
            let (shared, journal) = (Arc::clone(shared), journal.clone());
            move |listener, stop| async move {
                let (lane, driver) = journal.lane();
                tokio::spawn(driver);
                let core = Core::new(core, shared, lane);
                core.serve(listener, placing, stop).await;
            }
        });
        Self::start_with(listen, serve)
    }

    /// Listens on one thread for each that serves, with a runtime of its own, and leaves it to them what
    /// is done with those who come.
    ///
    /// # Errors
    /// As [`Gateway::start`].
    pub fn start_with<S, F>(
        listen: SocketAddr,
        serve: impl ExactSizeIterator<Item = S>,
    ) -> Result<Self, StartError>
    where
        S: FnOnce(tokio::net::TcpListener, watch::Receiver<bool>) -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let failed = |source| StartError::Listen {
            address: listen,
            source,
        };
        let first = listener(listen).map_err(failed)?;
        // Port 0 becomes a number with the first listener; the others join it there.
        let address = first.local_addr().map_err(failed)?;
        let mut listeners = vec![first];
        for _ in 1..serve.len() {
            listeners.push(listener(address).map_err(failed)?);
        }
        let (stop, stopped) = watch::channel(false);
        let threads = listeners
            .into_iter()
            .zip(serve)
            .enumerate()
            .map(|(core, (listener, serve))| {
                start_core(core, listener, serve, stopped.clone())
                    .map_err(|source| StartError::Runtime { core, source })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            address,
            stop,
            threads,
        })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, says good-bye to every connection and waits for the calls in flight,
    /// for as long as the limits allow.
    pub fn drain(self) {
        self.stop.send_replace(true);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a core ended in a panic");
            }
        }
    }
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn start_core<S, F>(
    core: usize,
    listener: TcpListener,
    serve: S,
    stop: watch::Receiver<bool>,
) -> io::Result<JoinHandle<()>>
where
    S: FnOnce(tokio::net::TcpListener, watch::Receiver<bool>) -> F + Send + 'static,
    F: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(SOCKETS_EVERY)
        .global_queue_interval(JOURNAL_EVERY)
        .build()?;
    let listener = {
        let _entered = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    std::thread::Builder::new()
        .name(format!("core-{core}"))
        .spawn(move || runtime.block_on(async { serve(listener, stop).await }))
}
