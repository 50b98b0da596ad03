//! `ndxp system`: how a member's system joins, is shut out for a time, and leaves.

use clap::{Args, Subcommand};
use ndxp_model::SystemId;
use ndxp_proto::registry::v1::{Action, ProposeRequest, System, SystemKind, propose_request};

use crate::act::{Act, Note};
use crate::commands::availability::{Disable, Enable, Maintenance};
use crate::commands::key::SystemKey;
use crate::commands::life::{Admit, Close, Decline, Suspend};
use crate::failure::Failure;

/// Takes systems in, shuts them out for a time, and closes them
///
/// A system is put forward, then approved or declined; it can be suspended and resumed; closed is
/// for ever. A suspended system neither calls nor is called; a disabled one, or one in
/// maintenance, still calls. Every change holds for the next call.
#[derive(Args, Debug)]
pub struct SystemArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Puts forward a new system of a member, which takes part only when it is approved
    #[command(after_long_help = PROPOSE)]
    Propose(Propose),
    /// Lets a proposed system take part
    #[command(after_long_help = APPROVE)]
    Approve(Admit<SystemKey>),
    /// Turns a proposed system down
    #[command(after_long_help = DECLINE)]
    Decline(Decline<SystemKey>),
    /// Refuses all calls of a system, and all calls to it, until it is resumed
    #[command(after_long_help = SUSPEND)]
    Suspend(Suspend<SystemKey>),
    /// Lets a suspended system take part again
    #[command(after_long_help = RESUME)]
    Resume(Admit<SystemKey>),
    /// Ends a system for ever, and may name the one that carries on
    #[command(after_long_help = CLOSE)]
    Close(Close<SystemKey>),
    /// Refuses calls to all services of a system, with a notice, until it is enabled
    #[command(after_long_help = DISABLE)]
    Disable(Disable<SystemKey>),
    /// Lets a disabled system be called again
    #[command(after_long_help = ENABLE)]
    Enable(Enable<SystemKey>),
    /// Plans or ends maintenance of all services of a system
    #[command(after_long_help = MAINTENANCE)]
    Maintenance(Maintenance<SystemKey>),
}

const PROPOSE: &str = "\
Examples:
  ndxp system propose H26/lgsp --kind lgsp --name 'LGSP Hà Nội'
  ndxp system propose G01/population --kind database --endpoint csdl.dancu.gov.vn:8443

The system proves itself with a certificate for its name:
  ndxp cert issue --system H26/lgsp --out H26-lgsp";

const APPROVE: &str = "\
Examples:
  ndxp system approve H26/lgsp --dry-run";

const DECLINE: &str = "\
Examples:
  ndxp system decline H26/lgsp --reason 'the province has an LGSP already'";

const SUSPEND: &str = "\
Examples:
  ndxp system suspend H26/lgsp --reason 'floods its providers'
  ndxp system suspend H26/lgsp --reason 'key stolen' --cut";

const RESUME: &str = "\
Examples:
  ndxp system resume H26/lgsp --reason 'repaired'";

const CLOSE: &str = "\
Examples:
  ndxp system close H02/lgsp --successor H05/lgsp --reason 'Decision 09/2025/QĐ-TTg'";

const DISABLE: &str = "\
Examples:
  ndxp system disable G01/population --notice 'moved to a new data centre, back on Monday'";

const ENABLE: &str = "\
Examples:
  ndxp system enable G01/population";

const MAINTENANCE: &str = "\
Examples:
  ndxp system maintenance G01/population --from 2026-12-31T22:00 --until 2027-01-01T06:00 \\
      --notice 'yearly maintenance'
  ndxp system maintenance G01/population --end";

#[derive(Args, Debug)]
struct Propose {
    /// The member's code, a stroke and the system's name, such as H26/lgsp
    #[arg(value_name = "MEMBER/SYSTEM")]
    id: SystemId,

    /// What the system is
    #[arg(long, value_enum)]
    kind: Kind,

    /// Display name
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    name: String,

    /// Where it serves gRPC over TLS; may be repeated, and calls are balanced
    #[arg(long = "endpoint", value_name = "HOST:PORT")]
    endpoints: Vec<String>,

    /// SHA-256 of a certificate, for authorities that issue no URI identity; may be repeated
    #[arg(long = "fingerprint", value_name = "HEX")]
    fingerprints: Vec<String>,

    #[command(flatten)]
    note: Note,

    #[command(flatten)]
    act: Act,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    /// Platform by which a ministry or province shares and joins its data
    Lgsp,
    /// National database
    Database,
    /// Any other system
    #[value(name = "information_system")]
    InformationSystem,
}

impl From<Kind> for SystemKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Lgsp => Self::Lgsp,
            Kind::Database => Self::Database,
            Kind::InformationSystem => Self::InformationSystem,
        }
    }
}

impl SystemArguments {
    pub async fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Propose(propose) => propose.run().await,
            Command::Approve(admit) => admit.run(Action::Approve).await,
            Command::Decline(decline) => decline.run().await,
            Command::Suspend(suspend) => suspend.run().await,
            Command::Resume(admit) => admit.run(Action::Resume).await,
            Command::Close(close) => close.run().await,
            Command::Disable(disable) => disable.run().await,
            Command::Enable(enable) => enable.run().await,
            Command::Maintenance(maintenance) => maintenance.run().await,
        }
    }
}

impl Propose {
    async fn run(self) -> Result<(), Failure> {
        let system = System {
            id: self.id.to_string(),
            kind: SystemKind::from(self.kind).into(),
            name: self.name,
            endpoints: self.endpoints,
            fingerprints: self.fingerprints,
            ..System::default()
        };
        let request = ProposeRequest {
            item: Some(propose_request::Item::System(system)),
            dry_run: self.act.dry_run,
            reason: self.note.text,
        };
        let act = self.act;
        act.ask(
            |_| Ok(request),
            async |mut client, request| client.propose(request).await,
        )
        .await
    }
}
