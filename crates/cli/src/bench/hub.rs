//! A hub of its own for a bench: this very program, serving from a temporary folder.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use ndxp_hub::authority::{Authority, Hosts, Issued, Validity};
use ndxp_hub::config::{Config, template};
use ndxp_hub::tls::Tls;
use ndxp_model::{SystemClock, SystemId};
use ndxp_proto::registry::v1::registry_service_client::RegistryServiceClient;
use ndxp_proto::registry::v1::{ApplyRequest, Catalogue};
use rustix::process::{Pid, Signal, kill_process};
use rustls::{ClientConfig, ServerConfig};
use tempfile::TempDir;
use tonic::transport::Channel;

use super::process::Killed;
use crate::connect;

/// So many days that the hub does not warn of their end.
const VALID_DAYS: u32 = 60;

/// What is measured is the hub, not its limits.
const UNLIMITED: [(&str, &str); 2] = [
    ("consumer_calls_per_second_per_core_max", "0"),
    ("address_handshakes_per_second_max", "0"),
];

/// A served hub; stopped when dropped, with SIGKILL, so that a bench can let one crash.
pub struct Hub {
    pub exchange: SocketAddr,
    pub observe: SocketAddr,
    pub pid: u32,
    child: Killed,
    config: Config,
}

/// The authority of a bench and the folder that everything lies in.
pub struct Grounds {
    pub folder: TempDir,
    authority: Authority,
}

impl Grounds {
    pub fn prepare() -> anyhow::Result<Self> {
        Self::prepare_below(&std::env::temp_dir())
    }

    pub fn prepare_below(folder: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(folder)?;
        let authority = Authority::create("ndxp.local", &SystemClock)?;
        let path = folder.path();
        authority.save(&path.join("pki/authority"))?;
        let validity = Validity::days(&SystemClock, VALID_DAYS);
        authority
            .issue_hub("bench", &Hosts::with([]), validity)?
            .save(&path.join("pki/hub"))?;
        authority
            .issue_operator("bench", validity)?
            .save(&path.join("pki/operator"))?;
        std::fs::write(path.join("ndxp.toml"), config_text())?;
        let grounds = Self { folder, authority };
        grounds.configure(&UNLIMITED)?;
        Ok(grounds)
    }

    /// Sets keys of the configuration, each of which stands in it already, at its default or not.
    pub fn configure(&self, settings: &[(&str, &str)]) -> anyhow::Result<()> {
        let mut text = std::fs::read_to_string(self.config_file())?;
        for (key, value) in settings {
            let names = |line: &str| {
                let rest = line.trim_start_matches('#').strip_prefix(key);
                rest.is_some_and(|rest| rest.starts_with(" = "))
            };
            let line = text.lines().find(|line| names(line));
            let line = line.with_context(|| format!("no {key} in the template"))?;
            text = text.replace(&format!("\n{line}\n"), &format!("\n{key} = {value}\n"));
        }
        Ok(std::fs::write(self.config_file(), text)?)
    }

    /// TLS of a system, as consumer and as provider.
    pub fn system(&self, system: &str) -> anyhow::Result<(Arc<ClientConfig>, Arc<ServerConfig>)> {
        let system: SystemId = system.parse()?;
        let validity = Validity::days(&SystemClock, VALID_DAYS);
        let issued: Issued = self
            .authority
            .issue_system(&system, &Hosts::with([]), validity)?;
        let folder = self.folder.path().join(system.as_str().replace('/', "-"));
        issued.save(&folder)?;
        let mut config = self.config()?;
        config.client.certificate = folder.join("cert.pem");
        config.client.key = folder.join("key.pem");
        let tls = Tls::load_client(&config, Arc::new(SystemClock))?;
        Ok((tls.client()?, tls.server()?))
    }

    /// Serves a hub and tells it the catalogue.
    pub async fn serve(&self, catalogue: Catalogue) -> anyhow::Result<Hub> {
        let hub = self.resume()?;
        hub.apply(catalogue).await?;
        Ok(hub)
    }

    /// Serves a hub on what lies in the folder; returns when it says where it listens.
    pub fn resume(&self) -> anyhow::Result<Hub> {
        let child = Command::new(std::env::current_exe()?)
            .args(["serve", "--config"])
            .arg(self.config_file())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut child = Killed(child);
        let talk = BufReader::new(child.0.stderr.take().context("stderr is piped")?);
        let Endpoints {
            exchange,
            control,
            observe,
        } = endpoints(talk)?;
        let mut config = self.config()?;
        config.client.control = control.parse()?;
        Ok(Hub {
            exchange,
            observe,
            pid: child.0.id(),
            child,
            config,
        })
    }

    /// As if no hub had served here yet.
    pub fn forget(&self) -> anyhow::Result<()> {
        match std::fs::remove_dir_all(self.config()?.hub.data_dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join("ndxp.toml")
    }

    fn config(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&self.config_file())?)
    }
}

impl Hub {
    /// To its control port.
    pub async fn control(&self) -> anyhow::Result<Channel> {
        let channel = connect::control(&self.config).await;
        channel.map_err(|it| anyhow::anyhow!("{it}"))
    }

    /// Registers everything in the catalogue.
    pub async fn apply(&self, catalogue: Catalogue) -> anyhow::Result<()> {
        let request = ApplyRequest {
            catalogue: Some(catalogue),
            dry_run: false,
            note: "bench".to_owned(),
            ..ApplyRequest::default()
        };
        let mut registry = RegistryServiceClient::new(self.control().await?);
        registry.apply(request).await?;
        Ok(())
    }

    /// As an operator stops it; returns when it is gone.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.pid)?).context("a process has a number")?;
        kill_process(pid, Signal::TERM)?;
        let status = self.child.0.wait()?;
        ensure!(status.success(), "the hub ended with {status}");
        Ok(())
    }
}

/// The template on loopback, with ports that the system chooses.
fn config_text() -> String {
    template("bench", "ndxp.local")
        .replace("#listen = \"0.0.0.0:7443\"", "listen = \"127.0.0.1:0\"")
        .replace("#listen = \"127.0.0.1:7444\"", "listen = \"127.0.0.1:0\"")
        .replace("#listen = \"127.0.0.1:7445\"", "listen = \"127.0.0.1:0\"")
}

/// Where a hub listens.
struct Endpoints {
    exchange: SocketAddr,
    control: String,
    observe: SocketAddr,
}

/// Reads the addresses that `serve` prints, and goes on reading so that the pipe stays empty.
fn endpoints(mut talk: impl BufRead + Send + 'static) -> anyhow::Result<Endpoints> {
    let (mut exchange, mut control, mut observe) = (None, None, None);
    let mut said = String::new();
    while exchange.is_none() || control.is_none() || observe.is_none() {
        let mut line = String::new();
        if talk.read_line(&mut line)? == 0 {
            bail!("the hub did not start: {said}");
        }
        let mut words = line.split_whitespace();
        // `serve` says: exchange listens on 127.0.0.1:7443
        match (words.next(), words.nth(2)) {
            (Some("exchange"), Some(address)) => exchange = Some(address.parse()?),
            (Some("control"), Some(address)) => control = Some(address.to_owned()),
            (Some("observe"), Some(address)) => observe = Some(address.parse()?),
            _ => said.push_str(&line),
        }
    }
    std::thread::spawn(move || std::io::copy(&mut talk, &mut std::io::sink()));
    Ok(Endpoints {
        exchange: exchange.context("exchange")?,
        control: control.context("control")?,
        observe: observe.context("observe")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_set_whether_they_are_at_their_default_or_not() {
        let grounds = Grounds::prepare().unwrap();
        let before = grounds.config().unwrap().limits;
        let settings = [
            ("connections_max", "201"),
            ("consumer_calls_per_second_per_core_max", "77"),
        ];
        grounds.configure(&settings).unwrap();
        let limits = grounds.config().unwrap().limits;
        assert_eq!(limits.connections_max, 201);
        assert_eq!(limits.consumer_calls_per_second_per_core_max, 77);
        assert_eq!(limits.handshakes_max, before.handshakes_max);
        let error = grounds.configure(&[("connections", "1")]).unwrap_err();
        assert_eq!(error.to_string(), "no connections in the template");
    }
}
