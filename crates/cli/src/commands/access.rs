//! `ndxp access`: how two parties come to a grant, and how either ends it.

mod grant;
mod terms;

use clap::{Args, Subcommand};
use ndxp_proto::registry::v1::{DecideAccessRequest, RequestAccessRequest, RevokeAccessRequest};

use crate::act::{Act, Cut, Note, Why};
use crate::failure::Failure;

use grant::GrantKey;
use terms::Terms;

pub mod list;

/// Asks for access to a service, decides about requests, and revokes grants
///
/// A grant is made by two parties: the consumer asks, the provider's own people approve or
/// decline, each with a certificate of their own member (--as). Either side revokes. An operator
/// can do both in an emergency, and the journal says that it was the operator.
#[derive(Args, Debug)]
pub struct Access {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Asks that one system may call one service of another
    ///
    /// The request is a new version of the grant, and permits nothing until it is approved. While
    /// it waits, a version that is active stays active.
    #[command(after_long_help = REQUEST)]
    Request(Box<Request>),
    /// Approves a request for a service of one's own: the consumer may call
    #[command(after_long_help = APPROVE)]
    Approve(Approve),
    /// Declines a request for a service of one's own
    #[command(after_long_help = DECLINE)]
    Decline(Decline),
    /// Ends a grant, or takes back a request, for the next call
    #[command(after_long_help = REVOKE)]
    Revoke(Revoke),
    /// Lists requests and grants, with who asked and who decided
    #[command(after_long_help = list::EXAMPLES)]
    List(list::List),
}

const REQUEST: &str = "\
Examples:
  ndxp access request --as H26-lgsp --consumer H26/lgsp --provider G01/population \\
      --service vn.gov.population.v1.PopulationService --method VerifyIdentity \\
      --purpose 'one-stop shop' --legal-basis 'Decree 59/2022/NĐ-CP' --valid-until 2027-12-31
  ndxp access request --as H26-lgsp --consumer H26/lgsp --provider G01/population \\
      --service vn.gov.population.v1.PopulationService --on-behalf-of H26.12 --dry-run";

const APPROVE: &str = "\
Examples:
  ndxp access list --state requested --as G01-population
  ndxp access approve --as G01-population \\
      'H26/lgsp>G01/population/vn.gov.population.v1.PopulationService'";

const DECLINE: &str = "\
Examples:
  ndxp access decline --as G01-population --reason 'no legal basis' \\
      'H26/lgsp>G01/population/vn.gov.population.v1.PopulationService'";

const REVOKE: &str = "\
Examples:
  ndxp access revoke --as G01-population --reason 'agreement ended' \\
      'H26/lgsp>G01/population/vn.gov.population.v1.PopulationService'
  ndxp access revoke --reason 'misuse, decided at 14:05' --cut --consumer H26/lgsp \\
      --provider G01/population --service vn.gov.population.v1.PopulationService";

#[derive(Args, Debug)]
struct Request {
    #[command(flatten)]
    terms: Terms,

    #[command(flatten)]
    note: Note,

    #[command(flatten)]
    act: Act,
}

#[derive(Args, Debug)]
struct Approve {
    #[command(flatten)]
    key: GrantKey,

    /// The version that is meant [default: the one that is requested]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    version: u32,

    #[command(flatten)]
    note: Note,

    #[command(flatten)]
    act: Act,
}

#[derive(Args, Debug)]
struct Decline {
    #[command(flatten)]
    key: GrantKey,

    /// The version that is meant [default: the one that is requested]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    version: u32,

    #[command(flatten)]
    why: Why,

    #[command(flatten)]
    act: Act,
}

#[derive(Args, Debug)]
struct Revoke {
    #[command(flatten)]
    key: GrantKey,

    /// The version that is meant [default: all that are requested or active]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    version: u32,

    #[command(flatten)]
    why: Why,

    #[command(flatten)]
    cut: Cut,

    #[command(flatten)]
    act: Act,
}

impl Access {
    pub async fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Request(request) => request.run().await,
            Command::Approve(approve) => approve.run().await,
            Command::Decline(decline) => decline.run().await,
            Command::Revoke(revoke) => revoke.run().await,
            Command::List(list) => list.run().await,
        }
    }
}

impl Request {
    async fn run(self) -> Result<(), Failure> {
        let Self { terms, note, act } = self;
        let dry_run = act.dry_run;
        act.ask(
            |zone| {
                Ok(RequestAccessRequest {
                    grant: Some(terms.grant(zone)?),
                    dry_run,
                    reason: note.text,
                })
            },
            async |mut client, request| client.request_access(request).await,
        )
        .await
    }
}

impl Approve {
    async fn run(self) -> Result<(), Failure> {
        let request = DecideAccessRequest {
            id: self.key.id()?,
            version: self.version,
            approve: true,
            reason: self.note.text,
            dry_run: self.act.dry_run,
        };
        decide(&self.act, request).await
    }
}

impl Decline {
    async fn run(self) -> Result<(), Failure> {
        let request = DecideAccessRequest {
            id: self.key.id()?,
            version: self.version,
            approve: false,
            reason: self.why.text,
            dry_run: self.act.dry_run,
        };
        decide(&self.act, request).await
    }
}

async fn decide(act: &Act, request: DecideAccessRequest) -> Result<(), Failure> {
    act.ask(
        |_| Ok(request),
        async |mut client, request| client.decide_access(request).await,
    )
    .await
}

impl Revoke {
    async fn run(self) -> Result<(), Failure> {
        let request = RevokeAccessRequest {
            id: self.key.id()?,
            version: self.version,
            reason: self.why.text,
            dry_run: self.act.dry_run,
            cut: self.cut.now,
        };
        self.act
            .ask(
                |_| Ok(request),
                async |mut client, request| client.revoke_access(request).await,
            )
            .await
    }
}
