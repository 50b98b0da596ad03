//! Sets the stage: a folder that goes away again, a private authority, a hub in this process,
//! and the nation's systems with their certificates.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use ndxp_hub::authority::{Authority, AuthorityError, Hosts, Issued, Validity};
use ndxp_hub::config::Config;
use ndxp_hub::{Endpoints, Hub};
use ndxp_model::{SystemClock, SystemId, Zone};
use ndxp_proto::registry::v1::ApplyRequest;
use ndxp_proto::registry::v1::registry_service_client::RegistryServiceClient;
use ndxp_sim::{
    Authorities, CredentialsError, HubAddress, Identity, Load, Nation, Options, Providers,
};
use tempfile::TempDir;
use tonic::transport::Channel;

use crate::connect::{MESSAGE_BYTES_MAX, control};
use crate::failure::Failure;

pub struct Stage {
    folder: TempDir,
    authority: Authority,
    hub: Hub,
    /// As a client reads it: with the ports that the hub was given.
    config: Config,
    pub zone: Zone,
    nation: Nation,
    /// Those who serve; there once the nation is.
    providers: OnceCell<Providers>,
}

const TRUST_DOMAIN: &str = "ndxp.local";
const NODE: &str = "demo";

/// So many days that the hub does not warn of their end before the demonstration has one.
const VALID_DAYS: u32 = 60;

impl Stage {
    /// Starts the hub. Must be called outside a runtime: the hub has its own.
    pub fn set() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("ndxp-demo-")
            .tempdir()
            .context("a temporary folder cannot be made")?;
        let authority = Authority::create(TRUST_DOMAIN, &SystemClock)?;
        let validity = Validity::days(&SystemClock, VALID_DAYS);
        let pki = folder.path().join("pki");
        let hub = authority.issue_hub(NODE, &Hosts::default(), validity)?;
        hub.save(&pki.join("hub")).map_err(AuthorityError::from)?;
        let operator = authority.issue_operator("operator", validity)?;
        operator
            .save(&pki.join("operator"))
            .map_err(AuthorityError::from)?;

        let file = folder.path().join("ndxp.toml");
        let config = write(&file, &configuration(None))?;
        let hub = Hub::start(config, Arc::new(SystemClock), |_, _| {})?;
        let config = write(&file, &configuration(Some(hub.endpoints())))?;
        let zone = config.hub.zone.clone();
        let (nation, providers) = (Nation::new(), OnceCell::new());
        Ok(Self {
            folder,
            authority,
            hub,
            config,
            zone,
            nation,
            providers,
        })
    }

    pub async fn control(&self) -> Result<Channel, Failure> {
        control(&self.config).await
    }

    /// Starts those who serve and registers everybody, as an operator does.
    pub async fn nation(&self, channel: Channel) -> Result<&Nation, Failure> {
        let authorities = Authorities {
            pem: self.authority.certificate_pem().to_owned(),
            trust_domain: TRUST_DOMAIN.to_owned(),
        };
        let identity = |system: &SystemId| self.identity(system);
        let providers = Providers::start(&self.nation, &identity, &authorities)
            .await
            .context("the providers cannot start")?;
        let request = ApplyRequest {
            catalogue: Some(self.nation.catalogue(&|system| providers.endpoints(system))),
            note: "the nation of the demonstration".to_owned(),
            ..ApplyRequest::default()
        };
        RegistryServiceClient::new(channel)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .apply(request)
            .await?;
        let _ = self.providers.set(providers);
        Ok(&self.nation)
    }

    /// Those who call. Must be called within a runtime.
    pub fn load(&self, options: Options) -> Result<Load, Failure> {
        let hub = HubAddress {
            address: self.hub.endpoints().exchange,
            server_name: "localhost".to_owned(),
            authorities_pem: self.authority.certificate_pem().to_owned(),
        };
        let identity = |system: &SystemId| self.identity(system);
        let load = Load::new(&self.nation, &identity, &hub, options);
        Ok(load.context("the consumers cannot start")?)
    }

    /// What somebody who has it running can try next.
    pub fn invitation(&self) -> String {
        let Endpoints {
            exchange,
            control,
            observe,
        } = self.hub.endpoints();
        let config = self.config.file.display();
        format!(
            "
The hub is running; Ctrl-C stops it and removes {folder}.

  exchange {exchange}    control {control}    metrics http://{observe}/metrics

Try, in another terminal:
  export NDXP_CONFIG={config}
  ndxp transactions --follow
  ndxp transactions --outcome refused --limit 10
  ndxp stats --by service
  ndxp get grants
  ndxp report --lang en
  ndxp verify
",
            folder = self.folder.path().display()
        )
    }

    /// Stops the hub and removes the folder. Must be called outside a runtime.
    pub fn clear(self) {
        drop(self.providers);
        self.hub.drain();
    }

    fn identity(&self, system: &SystemId) -> Result<Identity, CredentialsError> {
        let validity = Validity::days(&SystemClock, VALID_DAYS);
        let Issued {
            certificate_pem,
            key_pem,
            ..
        } = self
            .authority
            .issue_system(system, &Hosts::default(), validity)?;
        Ok(Identity {
            certificate_pem,
            key_pem,
        })
    }
}

/// The configuration file; the ports are asked of the machine, and told to clients when known.
fn configuration(endpoints: Option<Endpoints>) -> String {
    let client = endpoints.map_or_else(
        String::new,
        |Endpoints {
             exchange, control, ..
         }| { format!("\n[client]\nexchange = \"{exchange}\"\ncontrol = \"{control}\"\n") },
    );
    format!(
        r#"[hub]
node = "{NODE}"
trust_domain = "{TRUST_DOMAIN}"

[exchange]
listen = "127.0.0.1:0"

[control]
listen = "127.0.0.1:0"

[observe]
listen = "127.0.0.1:0"
{client}"#
    )
}

fn write(file: &PathBuf, text: &str) -> Result<Config, Failure> {
    std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?;
    Config::load(file).map_err(Failure::internal)
}
