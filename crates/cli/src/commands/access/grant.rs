//! How a grant is named: in one piece, as lists print it, or by its three parts, which need no
//! quotes.

use clap::Args;
use ndxp_model::{GrantId, ServiceName, SystemId};

use crate::failure::Failure;

#[derive(Args, Debug)]
pub struct GrantKey {
    /// The grant as `ndxp access list` prints it, 'H26/lgsp>G01/population/vn.gov.v1.Population',
    /// in quotes, since shells read > themselves
    #[arg(value_name = "GRANT", value_parser = in_one_piece, conflicts_with_all = ["consumer", "provider", "service"], required_unless_present_all = ["consumer", "provider", "service"])]
    id: Option<GrantId>,

    /// Instead: the system that calls
    #[arg(long, value_name = "MEMBER/SYSTEM", requires_all = ["provider", "service"])]
    consumer: Option<SystemId>,

    /// The system that is called
    #[arg(long, value_name = "MEMBER/SYSTEM", requires_all = ["consumer", "service"])]
    provider: Option<SystemId>,

    /// The full name of the gRPC service
    #[arg(long, value_name = "SERVICE", requires_all = ["consumer", "provider"])]
    service: Option<ServiceName>,
}

impl GrantKey {
    /// As the contract writes it.
    pub fn id(&self) -> Result<String, Failure> {
        match self {
            Self { id: Some(id), .. } => Ok(id.to_string()),
            Self {
                consumer: Some(consumer),
                provider: Some(provider),
                service: Some(service),
                ..
            } => Ok(format!("{consumer}>{provider}/{service}")),
            _ => Err(Failure::usage("no grant is named")
                .remedy("name it in one piece, or by --consumer, --provider and --service")),
        }
    }
}

fn in_one_piece(text: &str) -> Result<GrantId, String> {
    text.parse::<GrantId>()
        .map_err(|error| match text.contains('>') {
            true => format!("{error}"),
            false => format!("{error}; in quotes, since shells read > themselves"),
        })
}
