//! Which core carries a connection: one of those that carry the fewest. The system hands connections to the
//! cores' listeners by a hash of their addresses; but agencies' connections are few and live for days, and
//! of 85 on sixteen cores the busiest would have twice its share of them.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use prometheus::IntGauge;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Connections that wait to be taken by the core that they were given to: twice what it accepts itself before
/// it rests. Above that, whoever accepted one carries it.
const GIVEN_MAX: usize = 8;

/// One core's part in it.
pub struct Placing {
    own: Arc<Core>,
    cores: Arc<[Arc<Core>]>,
    given: mpsc::Receiver<Given>,
}

struct Core {
    carries: IntGauge,
    gives: mpsc::Sender<Given>,
}

/// A connection that came to one core and is for another to carry.
struct Given {
    tcp: std::net::TcpStream,
    from: IpAddr,
    place: Place,
}

/// A connection that this core carries.
pub struct Placed {
    pub tcp: TcpStream,
    pub from: IpAddr,
    pub place: Place,
}

/// A connection's place among those of the core that carries it, until dropped.
pub struct Place(IntGauge);

impl Core {
    fn place(&self) -> Place {
        self.carries.inc();
        Place(self.carries.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Given {
    fn taken(self) -> io::Result<Placed> {
        let Self { tcp, from, place } = self;
        let tcp = TcpStream::from_std(tcp)?;
        Ok(Placed { tcp, from, place })
    }
}

impl Placing {
    /// One for each core, in their order, by the gauges that say how many each carries.
    pub fn of_cores(carried: impl IntoIterator<Item = IntGauge>) -> Vec<Self> {
        let (cores, given): (Vec<_>, Vec<_>) = carried
            .into_iter()
            .map(|carries| {
                let (gives, given) = mpsc::channel(GIVEN_MAX);
                (Arc::new(Core { carries, gives }), given)
            })
            .unzip();
        let cores: Arc<[_]> = cores.into();
        let each = |(own, given)| Self {
            own: Arc::clone(own),
            cores: Arc::clone(&cores),
            given,
        };
        cores.iter().zip(given).map(each).collect()
    }

    /// Places a connection that has come to this core: here, or on another core, which hears of it.
    ///
    /// # Errors
    /// When the system does not let go of it.
    pub fn place(&self, tcp: TcpStream, from: IpAddr) -> io::Result<Option<Placed>> {
        let core = self.fewest();
        let place = core.place();
        if Arc::ptr_eq(core, &self.own) {
            return Ok(Some(Placed { tcp, from, place }));
        }
        let tcp = tcp.into_std()?;
        let Err(refused) = core.gives.try_send(Given { tcp, from, place }) else {
            return Ok(None);
        };
        // It has its hands full, or stops.
        let given = Given {
            place: self.own.place(),
            ..refused.into_inner()
        };
        given.taken().map(Some)
    }

    /// The next connection that another core has placed here; nothing once none is left to do so.
    pub async fn given(&mut self) -> Option<io::Result<Placed>> {
        self.given.recv().await.map(Given::taken)
    }

    /// The core that carries the fewest; this one if no other carries fewer. One that is gone carries none.
    fn fewest(&self) -> &Arc<Core> {
        let mut fewest = &self.own;
        for core in self.cores.iter() {
            if core.carries.get() < fewest.carries.get() && !core.gives.is_closed() {
                fewest = core;
            }
        }
        fewest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gauge(carried: i64) -> IntGauge {
        let gauge = IntGauge::new("core", "core").unwrap();
        gauge.set(carried);
        gauge
    }

    /// Where the next goes that comes to the second of cores that carry so many.
    #[track_caller]
    fn check(carried: &[i64], expected: usize) {
        let cores = Placing::of_cores(carried.iter().copied().map(gauge));
        let second = cores.get(1).unwrap();
        let fewest = second.fewest();
        let index = second.cores.iter().position(|it| Arc::ptr_eq(it, fewest));
        assert_eq!(index, Some(expected), "{carried:?}");
    }

    #[test]
    fn a_connection_goes_where_the_fewest_are_and_stays_where_none_has_fewer() {
        check(&[0, 0], 1);
        check(&[1, 1, 1], 1);
        check(&[1, 2], 0);
        check(&[3, 2, 2], 1);
        check(&[3, 3, 2], 2);
        check(&[1, 2, 1], 0);
    }

    #[test]
    fn a_core_that_is_gone_is_given_nothing() {
        let mut cores = Placing::of_cores([0, 3, 2].map(gauge));
        drop(cores.remove(0));
        let [second, third] = [0, 1].map(|core| cores.get(core).unwrap());
        assert!(Arc::ptr_eq(second.fewest(), &third.own));
        assert!(Arc::ptr_eq(third.fewest(), &third.own));
    }
}
