//! How an act names what it is about: a member, a system, or a service of a system.

use std::fmt::Debug;

use clap::Args;
use ndxp_model::{InvalidValue, ServiceName, SystemId};
use ndxp_proto::registry::v1::ItemKind;

/// The first argument of an act.
pub trait Key: Args + Debug {
    const KIND: ItemKind;

    /// As the contract writes it.
    fn text(&self) -> String;
}

#[derive(Args, Debug)]
pub struct MemberKey {
    /// The member's code, such as H26, or its old form, such as 000.00.00.H26
    #[arg(value_name = "CODE")]
    code: String,
}

#[derive(Args, Debug)]
pub struct SystemKey {
    /// The system, such as H26/lgsp
    #[arg(value_name = "MEMBER/SYSTEM")]
    id: SystemId,
}

#[derive(Args, Debug)]
pub struct ServiceKey {
    /// The service of a system, such as G01/population/vn.gov.population.v1.PopulationService
    #[arg(value_name = "PROVIDER/SERVICE")]
    id: OfferedService,
}

/// One service as one system offers it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OfferedService {
    pub provider: SystemId,
    pub service: ServiceName,
}

#[derive(Debug, thiserror::Error)]
pub enum OfferedServiceError {
    #[error(
        "{0:?} names no service of a system: write the system, a stroke and the service's full \
         name, such as G01/population/vn.gov.population.v1.PopulationService"
    )]
    NoStroke(String),
    #[error(transparent)]
    Invalid(#[from] InvalidValue),
}

impl std::str::FromStr for OfferedService {
    type Err = OfferedServiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (provider, service) = text
            .rsplit_once('/')
            .filter(|(provider, _)| provider.contains('/'))
            .ok_or_else(|| OfferedServiceError::NoStroke(text.to_owned()))?;
        Ok(Self {
            provider: provider.parse()?,
            service: service.parse()?,
        })
    }
}

impl ServiceKey {
    pub fn id(&self) -> &OfferedService {
        &self.id
    }
}

impl Key for MemberKey {
    const KIND: ItemKind = ItemKind::Member;

    fn text(&self) -> String {
        self.code.clone()
    }
}

impl Key for SystemKey {
    const KIND: ItemKind = ItemKind::System;

    fn text(&self) -> String {
        self.id.to_string()
    }
}

impl Key for ServiceKey {
    const KIND: ItemKind = ItemKind::Service;

    fn text(&self) -> String {
        format!("{}/{}", self.id.provider, self.id.service)
    }
}
