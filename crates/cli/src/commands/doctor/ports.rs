//! The ports: free to be listened on, or held by this hub, or by whom else.

mod holder;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use ndxp_hub::authority::PeerIdentity;
use ndxp_hub::config::{Address, Config};
use ndxp_hub::tls::{Tls, holder_of};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::finding::{Area, Findings};

pub use holder::Holder;

/// To reach a port on this machine and hear who is there.
const ASK_MAX: Duration = Duration::from_secs(5);

/// `/live` answers in a few dozen bytes; a stranger may say what it likes.
const ANSWER_BYTES_MAX: u64 = 4_096;

/// Who listens where a hub is to listen.
#[derive(Debug, Eq, PartialEq)]
enum Listening {
    Nobody,
    /// A hub, by its certificate or its answer; the node where it tells.
    Hub(Option<String>),
    /// Something else, or nobody who would say.
    Stranger,
}

/// The process of the running hub, if there is one and it can be seen.
pub async fn check(
    config: &Config,
    client: Option<&Tls>,
    findings: &mut Findings,
) -> Option<Holder> {
    let mut hub = None;
    for (name, address) in [
        ("exchange", config.exchange.listen),
        ("control", config.control.listen),
        ("observe", config.observe.listen),
    ] {
        let subject = format!("{name}.listen {address}");
        match bind(address) {
            Ok(()) => findings.ok(Area::Ports, subject, "free"),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                let asked = ask(config, name, address, client);
                let listening = tokio::time::timeout(ASK_MAX, asked).await;
                let listening = listening.unwrap_or(Listening::Stranger);
                let holder = Holder::of(address);
                judge(config, subject, &listening, holder.as_ref(), findings);
                if let Listening::Hub(_) = listening {
                    hub = hub.or(holder);
                }
            }
            Err(error) => {
                let remedy = "name an address of this machine, and a port that the hub's user may \
                              listen on";
                findings.failure(Area::Ports, subject, error.to_string(), remedy);
            }
        }
    }
    hub
}

fn judge(
    config: &Config,
    subject: String,
    listening: &Listening,
    holder: Option<&Holder>,
    findings: &mut Findings,
) {
    let own = &config.hub.node;
    let process = holder.map_or(
        "a process that this user cannot see".to_owned(),
        Holder::to_string,
    );
    match listening {
        Listening::Nobody => findings.ok(Area::Ports, subject, "just become free"),
        Listening::Hub(Some(node)) if node != own => findings.failure(
            Area::Ports,
            subject,
            format!("held by another hub, {node}: {process}"),
            "give each hub ports of its own",
        ),
        Listening::Hub(_) => {
            findings.ok(
                Area::Ports,
                subject,
                format!("held by the running hub: {process}"),
            );
        }
        Listening::Stranger => findings.failure(
            Area::Ports,
            subject,
            format!("held by something that is not this hub: {process}"),
            "stop it, or name another port",
        ),
    }
}

/// The port is free again when this returns.
fn bind(address: SocketAddr) -> io::Result<()> {
    TcpListener::bind(address).map(drop)
}

async fn ask(config: &Config, name: &str, address: SocketAddr, client: Option<&Tls>) -> Listening {
    let here = Address::of_listener(address);
    let Ok(stream) = TcpStream::connect((here.host(), here.port())).await else {
        return Listening::Nobody;
    };
    let known = match (name, client) {
        ("observe", _) => answers_as_a_hub(stream).await.then_some(None),
        (_, Some(client)) => node(config, here.host(), stream, client).await.map(Some),
        (_, None) => None,
    };
    known.map_or(Listening::Stranger, Listening::Hub)
}

/// The node in the certificate that is shown, if it is a hub's and leads to our authority.
async fn node(config: &Config, host: &str, stream: TcpStream, client: &Tls) -> Option<String> {
    let connector = TlsConnector::from(client.client().ok()?);
    // The certificate may be for another name than that of this machine.
    let names = [
        host,
        config.client.control.host(),
        config.client.exchange.host(),
    ];
    let mut stream = Some(stream);
    for name in names {
        let server = ServerName::try_from(name.to_owned()).ok()?;
        let connection = match stream.take() {
            Some(stream) => stream,
            None => continue,
        };
        let address = connection.peer_addr().ok()?;
        if let Ok(connection) = connector.connect(server, connection).await {
            let (_, session) = connection.get_ref();
            let shown = session.peer_certificates()?.first()?;
            return match holder_of(shown, &config.hub.trust_domain).ok()? {
                PeerIdentity::Hub(node) => Some(node),
                _ => None,
            };
        }
        stream = TcpStream::connect(address).await.ok();
    }
    None
}

async fn answers_as_a_hub(mut stream: TcpStream) -> bool {
    let request = "GET /live HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n";
    if stream.write_all(request.as_bytes()).await.is_err() {
        return false;
    }
    let mut answer = Vec::new();
    let read = stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await;
    read.is_ok() && answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(b"\r\n\r\nlive\n")
}
