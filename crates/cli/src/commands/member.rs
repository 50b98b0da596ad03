//! `ndxp member`: how an organisation joins, is shut out for a time, and leaves.

use clap::{Args, Subcommand};
use ndxp_model::MemberCode;
use ndxp_proto::registry::v1::{Action, Member, MemberClass, ProposeRequest, propose_request};

use crate::act::{Act, Note};
use crate::commands::key::MemberKey;
use crate::commands::life::{Admit, Close, Decline, Suspend};
use crate::failure::Failure;

/// Takes members in, shuts them out for a time, and closes them
///
/// A member is put forward, then approved or declined; it can be suspended and resumed; closed is
/// for ever. What a member's systems may do changes with it, for the next call. Every act is
/// written into the journal with who, when and why: see `ndxp audit`.
#[derive(Args, Debug)]
pub struct MemberArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Puts forward a new member, which takes part only when it is approved
    #[command(after_long_help = PROPOSE)]
    Propose(Propose),
    /// Lets a proposed member take part
    #[command(after_long_help = APPROVE)]
    Approve(Admit<MemberKey>),
    /// Turns a proposed member down
    #[command(after_long_help = DECLINE)]
    Decline(Decline<MemberKey>),
    /// Refuses all calls of a member's systems, and all calls to them, until it is resumed
    #[command(after_long_help = SUSPEND)]
    Suspend(Suspend<MemberKey>),
    /// Lets a suspended member take part again
    #[command(after_long_help = RESUME)]
    Resume(Admit<MemberKey>),
    /// Ends a member for ever, and names the one that carries on
    #[command(after_long_help = CLOSE)]
    Close(Close<MemberKey>),
}

const PROPOSE: &str = "\
Examples:
  ndxp member propose H26 --name-vi 'Hà Nội' --name-en 'Ha Noi' --class province
  ndxp member propose H53 --name-vi 'Tây Ninh' --class province --alias 000.00.00.H53";

const APPROVE: &str = "\
Examples:
  ndxp member approve H26 --reason 'by letter 12/2022' --dry-run";

const DECLINE: &str = "\
Examples:
  ndxp member decline H26 --reason 'no letter of the chairman'";

const SUSPEND: &str = "\
Examples:
  ndxp member suspend H26 --reason 'key of the LGSP lost'
  ndxp member suspend H26 --reason 'data leak, decided at 14:05' --cut";

const RESUME: &str = "\
Examples:
  ndxp member resume H26 --reason 'new certificates in place'";

const CLOSE: &str = "\
Examples:
  ndxp member close H02 --successor H05 --reason 'Decision 09/2025/QĐ-TTg'";

#[derive(Args, Debug)]
struct Propose {
    /// Electronic identifier by Decision 20/2020/QĐ-TTg, such as H26 or H26.12
    #[arg(value_name = "CODE")]
    code: MemberCode,

    /// Name in Vietnamese
    #[arg(long, value_name = "NAME")]
    name_vi: String,

    /// Name in English
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    name_en: String,

    /// What the organisation is
    #[arg(long, value_enum)]
    class: Class,

    /// An old form of the code that names the member too, such as 000.00.00.H26; may be repeated
    #[arg(long = "alias", value_name = "CODE")]
    aliases: Vec<String>,

    #[command(flatten)]
    note: Note,

    #[command(flatten)]
    act: Act,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Class {
    Province,
    Ministry,
    Agency,
    Enterprise,
}

impl From<Class> for MemberClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Province => Self::Province,
            Class::Ministry => Self::Ministry,
            Class::Agency => Self::Agency,
            Class::Enterprise => Self::Enterprise,
        }
    }
}

impl MemberArguments {
    pub async fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Propose(propose) => propose.run().await,
            Command::Approve(admit) => admit.run(Action::Approve).await,
            Command::Decline(decline) => decline.run().await,
            Command::Suspend(suspend) => suspend.run().await,
            Command::Resume(admit) => admit.run(Action::Resume).await,
            Command::Close(close) => close.run().await,
        }
    }
}

impl Propose {
    async fn run(self) -> Result<(), Failure> {
        let member = Member {
            code: self.code.to_string(),
            name_vi: self.name_vi,
            name_en: self.name_en,
            class: MemberClass::from(self.class).into(),
            aliases: self.aliases,
            ..Member::default()
        };
        let request = ProposeRequest {
            item: Some(propose_request::Item::Member(member)),
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
