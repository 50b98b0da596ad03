//! Addresses as the file writes them: where the hub listens, and where its clients find it.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// A text that is no address, and the form that was wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("is not {wanted}")]
pub struct InvalidAddress {
    wanted: &'static str,
}

/// `host:port`, where the host is a DNS name, an IPv4 address or an IPv6 address in brackets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address {
    host: String,
    port: u16,
}

/// A numeric address to bind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listen(pub(super) SocketAddr);

impl Address {
    /// The host without brackets: what a certificate must be issued for.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How this machine reaches a listener; one that listens everywhere is reached here.
    #[must_use]
    pub fn of_listener(listen: SocketAddr) -> Self {
        let host = match listen.ip() {
            ip if ip.is_unspecified() => "localhost".to_owned(),
            ip => ip.to_string(),
        };
        Self {
            host,
            port: listen.port(),
        }
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = "host:port, such as ndxp.gov.vn:7443 or [::1]:7443";
        let invalid = InvalidAddress { wanted };
        let (host, port) = text.rsplit_once(':').ok_or(invalid)?;
        let port = port.parse().map_err(|_| invalid)?;
        let host = match host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            Some(inner) if inner.parse::<std::net::Ipv6Addr>().is_ok() => inner,
            None if host.len() <= 253 && host.split('.').all(is_label_in_any_case) => host,
            _ => return Err(invalid),
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Listen {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = "a numeric address and a port, such as 0.0.0.0:7443 or [::]:7443";
        text.parse()
            .map(Self)
            .map_err(|_| InvalidAddress { wanted })
    }
}

/// One label of a host name, in lower case.
pub(super) fn is_label(text: &str) -> bool {
    is_label_in_any_case(text) && !text.bytes().any(|b| b.is_ascii_uppercase())
}

fn is_label_in_any_case(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for text in [
            "localhost:1",
            "NDXP.gov.vn:7443",
            "127.0.0.1:65535",
            "[::1]:7443",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "localhost",
            ":1",
            "localhost:",
            "localhost:65536",
            "::1:7443",
            "[::1]",
            "[x]:1",
            "a b:1",
            "http://x:1",
            "x/y:1",
            "-a:1",
        ] {
            assert!(text.parse::<Address>().is_err(), "accepted {text:?}");
        }
    }

    #[test]
    fn a_listener_on_every_address_is_reached_on_this_machine() {
        let rows = [
            ("0.0.0.0:1", "localhost:1"),
            ("[::]:2", "localhost:2"),
            ("10.0.0.7:3", "10.0.0.7:3"),
            ("[fd00::1]:4", "[fd00::1]:4"),
        ];
        for (listen, address) in rows {
            assert_eq!(
                Address::of_listener(listen.parse().unwrap()).to_string(),
                address
            );
        }
    }
}
