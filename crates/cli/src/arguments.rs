//! The commands of `ndxp` and what each is for: the first thing that a newcomer reads.

use clap::{Parser, Subcommand};

use crate::bench::Bench;
use crate::commands::access::Access;
use crate::commands::apply::Apply;
use crate::commands::audit::Audit;
use crate::commands::backup::Backup;
use crate::commands::baseline::Baseline;
use crate::commands::cert::Cert;
use crate::commands::completions::Completions;
use crate::commands::demo::Demo;
use crate::commands::directory::Directory;
use crate::commands::doctor::Doctor;
use crate::commands::export::Export;
use crate::commands::get::Get;
use crate::commands::init::Init;
use crate::commands::journal::Journal;
use crate::commands::member::MemberArguments;
use crate::commands::report::Report;
use crate::commands::serve::Serve;
use crate::commands::service::ServiceArguments;
use crate::commands::simulate::Simulate;
use crate::commands::stats::Stats;
use crate::commands::system::SystemArguments;
use crate::commands::top::Top;
use crate::commands::transactions::Transactions;
use crate::commands::verify::Verify;

/// Data-exchange hub: agencies call each other's gRPC services through it, and it proves,
/// records and counts every call
#[derive(Debug, Parser)]
#[command(name = "ndxp", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
See it work:     ndxp demo
Run a hub:       ndxp init hub && ndxp serve --config hub/ndxp.toml
                 ndxp apply --config hub/ndxp.toml -f hub/catalogue.toml

Exit status: 0 done; 1 the answer is no (figures differ, not found, not allowed);
64 wrong arguments or configuration; 69 the hub cannot be reached; 70 it failed.";

#[derive(Debug, Subcommand)]
pub enum Command {
    Demo(Demo),
    Init(Init),
    Serve(Serve),
    Cert(Cert),
    Apply(Apply),
    Export(Export),
    Member(MemberArguments),
    System(SystemArguments),
    Service(ServiceArguments),
    Access(Access),
    Directory(Directory),
    Audit(Audit),
    Get(Get),
    Transactions(Transactions),
    Baseline(Baseline),
    Stats(Stats),
    Top(Top),
    Report(Report),
    Verify(Verify),
    Doctor(Doctor),
    Backup(Backup),
    Journal(Journal),
    Simulate(Simulate),
    Bench(Bench),
    Completions(Completions),
}
