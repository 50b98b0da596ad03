//! Finds the hub and the certificate to show it, and connects to the control port.

pub mod details;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use ndxp_hub::config::{Address, Client, Config};
use ndxp_hub::secret::{self, FileError};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::failure::{Exit, Failure, causes};

/// Where a command finds its hub and its certificate.
#[derive(Args, Clone, Debug)]
pub struct ConfigFile {
    /// Configuration that names the hub and the certificate to show it
    #[arg(
        long,
        value_name = "FILE",
        env = "NDXP_CONFIG",
        default_value = "ndxp.toml"
    )]
    pub config: PathBuf,
}

impl ConfigFile {
    pub fn load(&self) -> Result<Config, Failure> {
        Config::load(&self.config).map_err(Failure::usage)
    }
}

/// Which hub a command speaks to, and as whom.
#[derive(Args, Clone, Debug)]
pub struct Remote {
    #[command(flatten)]
    config: ConfigFile,

    #[command(flatten)]
    show: Show,
}

/// Whose certificate a command shows the hub.
#[derive(Args, Clone, Debug)]
pub struct Show {
    #[expect(
        rustdoc::broken_intra_doc_links,
        reason = "help text: the section is called so"
    )]
    /// Speak as the holder of this folder's certificate instead of as [client] says
    ///
    /// The folder holds cert.pem, key.pem and ca.pem, as `ndxp cert issue` writes them. A system's
    /// certificate speaks for its member: `--as H26-lgsp` asks for access as H26 does.
    #[arg(id = "as", long = "as", value_name = "CERT_DIR")]
    folder: Option<PathBuf>,
}

impl Remote {
    /// The configuration, with the certificate that is to be shown.
    pub fn load(&self) -> Result<Config, Failure> {
        let mut config = self.config.load()?;
        self.show.instead_of(&mut config.client)?;
        Ok(config)
    }
}

impl Show {
    /// Puts the folder's certificate in place of the configured one.
    pub fn instead_of(&self, client: &mut Client) -> Result<(), Failure> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        for (name, path) in [
            ("ca.pem", &mut client.authority),
            ("cert.pem", &mut client.certificate),
            ("key.pem", &mut client.key),
        ] {
            *path = folder.join(name);
            if !path.is_file() {
                let what = format!("--as {}: holds no {name}", folder.display());
                return Err(
                    Failure::usage(what).remedy("name a folder that `ndxp cert issue` has written")
                );
            }
        }
        Ok(())
    }
}

/// Time to reach the hub; an operator who waits longer wants to know why.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// A hub that does not answer a ping in this time is gone, however quietly it went: who follows
/// or watches must learn of it.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Largest single message: a registry of some hundred thousand grants.
pub const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// A channel to the control port that the configuration names.
pub async fn control(config: &Config) -> Result<Channel, Failure> {
    let address = config.client.control.clone();
    control_at(&address, &config.client).await
}

/// A channel to the control port at this address, with the certificate of the configuration.
pub async fn control_at(address: &Address, client: &Client) -> Result<Channel, Failure> {
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(read("authority", &client.authority)?))
        .identity(Identity::from_pem(
            read("certificate", &client.certificate)?,
            read_key(&client.key)?,
        ))
        .domain_name(address.host());
    let endpoint = Endpoint::from_shared(format!("https://{address}"))
        .map_err(|error| Failure::usage(format_args!("[client]: {address}: {error}")))?
        .connect_timeout(CONNECT_MAX)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .tls_config(tls)
        .map_err(|error| {
            Failure::usage(format_args!("[client]{}", causes(&error)))
                .remedy("name PEM files under client.authority, client.certificate and client.key")
        })?;
    endpoint.connect().await.map_err(|error| {
        let what = format!("the hub at {address} cannot be reached{}", causes(&error));
        Failure::new(Exit::Unavailable, what).remedy(
            "start it with `ndxp serve`, or correct its address under [client] in ndxp.toml",
        )
    })
}

fn read(key: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| unreadable(key, path, &error))
}

/// Whoever else may read it could be this operator.
fn read_key(path: &Path) -> Result<String, Failure> {
    secret::read_private(path).map_err(|error| match error {
        FileError::Unreadable { source, .. } => unreadable("key", path, &source),
        error => Failure::usage(format_args!("client.key = {error}")),
    })
}

fn unreadable(key: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format_args!(
        "client.{key} = {}: cannot be read: {error}",
        path.display()
    ))
    .remedy("write certificates with `ndxp init`, or name existing ones under [client]")
}
