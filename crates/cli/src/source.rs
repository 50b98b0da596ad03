//! Where a reading command gets its answers: from a running hub, or from a data directory.

use std::path::PathBuf;

use clap::Args;
use ndxp_model::Zone;
use tonic::transport::Channel;

use crate::connect;
use crate::failure::Failure;
use crate::offline::DataDirectory;

#[derive(Args, Clone, Debug)]
pub struct Source {
    /// Configuration that names the hub and the certificate to show it [default: ndxp.toml]
    #[arg(long, value_name = "FILE", env = "NDXP_CONFIG")]
    config: Option<PathBuf>,

    /// Work offline on a hub's data directory instead of asking a running hub
    ///
    /// The time zone is then that of the configuration if one is named, else Asia/Ho_Chi_Minh.
    #[arg(long, value_name = "DIR", conflicts_with = "as")]
    data: Option<PathBuf>,

    #[command(flatten)]
    show: connect::Show,
}

/// A source that is open.
#[derive(Debug)]
pub enum Origin {
    Hub(Channel),
    Data(DataDirectory),
}

impl Source {
    /// The zone in which the source's periods are cut, without opening it.
    pub fn zone(&self) -> Result<Zone, Failure> {
        match (&self.config, &self.data) {
            (None, Some(_)) => Ok(Zone::viet_nam()),
            _ => Ok(self.file().load()?.hub.zone),
        }
    }

    /// Opens the source; the zone is the one in which its periods are cut.
    pub async fn open(&self) -> Result<(Origin, Zone), Failure> {
        if let Some(data) = &self.data {
            let zone = self.zone()?;
            let data = DataDirectory::open(data, zone.clone())?;
            return Ok((Origin::Data(data), zone));
        }
        let mut config = self.file().load()?;
        self.show.instead_of(&mut config.client)?;
        let channel = connect::control(&config).await?;
        Ok((Origin::Hub(channel), config.hub.zone))
    }

    fn file(&self) -> connect::ConfigFile {
        let config = self.config.clone();
        connect::ConfigFile {
            config: config.unwrap_or_else(|| "ndxp.toml".into()),
        }
    }
}
