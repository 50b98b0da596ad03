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
    /// Opens the source; the zone is the one in which its periods are cut.
    pub async fn open(&self) -> Result<(Origin, Zone), Failure> {
        let config = self
            .config
            .clone()
            .map(|config| connect::ConfigFile { config });
        if let Some(data) = &self.data {
            let zone = match config {
                Some(file) => file.load()?.hub.zone,
                None => Zone::viet_nam(),
            };
            let data = DataDirectory::open(data, zone.clone())?;
            return Ok((Origin::Data(data), zone));
        }
        let file = config.unwrap_or(connect::ConfigFile {
            config: "ndxp.toml".into(),
        });
        let mut config = file.load()?;
        self.show.instead_of(&mut config.client)?;
        let channel = connect::control(&config).await?;
        Ok((Origin::Hub(channel), config.hub.zone))
    }
}
