//! Which process listens on a port, as Linux tells it; of other users' processes it tells nothing.

use std::fmt;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// A process that listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holder {
    pub pid: u32,
    name: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, process {}", self.name, self.pid)
    }
}

impl Holder {
    pub fn of(address: SocketAddr) -> Option<Self> {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
        let tables = tables
            .iter()
            .filter_map(|table| fs::read_to_string(table).ok());
        let sockets: Vec<String> = tables
            .flat_map(|table| listening(&table, address))
            .map(|inode| format!("socket:[{inode}]"))
            .collect();
        let processes = fs::read_dir("/proc").ok()?.flatten();
        let mut pids = processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
        let pid = pids.find(|pid| holds(*pid, &sockets))?;
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        Some(Self {
            pid,
            name: name.trim().to_owned(),
        })
    }
}

fn holds(pid: u32, sockets: &[String]) -> bool {
    let Ok(open) = fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd")) else {
        return false;
    };
    let mut links = open
        .flatten()
        .filter_map(|it| fs::read_link(it.path()).ok());
    links.any(|link| {
        sockets
            .iter()
            .any(|socket| link.as_os_str() == socket.as_str())
    })
}

/// The inodes of sockets that listen on the address's port, there or everywhere. A line:
/// `0: 0100007F:1D13 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 12345 1 …`
fn listening(table: &str, address: SocketAddr) -> Vec<u64> {
    const LISTENS: &str = "0A";
    let inode = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (ip, port) = fields.get(1)?.split_once(':')?;
        let here = ip.bytes().all(|b| b == b'0') || is(ip, address.ip());
        let port = u16::from_str_radix(port, 16).ok()?;
        let wanted = *fields.get(3)? == LISTENS && port == address.port();
        let wanted = wanted && (here || address.ip().is_unspecified());
        wanted.then(|| fields.get(9)?.parse().ok())?
    };
    table.lines().skip(1).filter_map(inode).collect()
}

/// Linux writes addresses as 32-bit words in the machine's order of bytes.
fn is(written: &str, ip: IpAddr) -> bool {
    let bytes = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let words = bytes.chunks(4).filter_map(|word| word.first_chunk::<4>());
    let text: String = words
        .map(|word| format!("{:08X}", u32::from_ne_bytes(*word)))
        .collect();
    written == text
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_listening_process_is_found_by_its_port() {
        for address in ["127.0.0.1:0", "0.0.0.0:0"] {
            let listener = TcpListener::bind(address).unwrap();
            let address = listener.local_addr().unwrap();
            let holder = Holder::of(address).unwrap();
            assert_eq!(holder.pid, std::process::id());
            drop(listener);
            assert_eq!(Holder::of(address), None);
        }
    }
}
