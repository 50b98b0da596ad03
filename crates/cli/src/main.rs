//! The one binary, `ndxp`: reads its arguments, runs one command, and tells by its exit status
//! how that ended. Standard output is data, standard error is talk.

mod arguments;
mod failure;

mod bench;
mod commands;

mod concern;
mod connect;
mod offline;
mod source;

mod act;
mod changes;
mod colour;
mod output;
mod verify;
mod when;

use std::future::Future;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

use arguments::{Arguments, Command};
use failure::{Exit, Failure};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return answer_usage(&error),
    };
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.what.is_empty() {
                eprintln!("{failure}");
            }
            failure.exit_code()
        }
    }
}

/// Help and version go to standard output and are no failure; the rest is wrong usage.
fn answer_usage(error: &clap::Error) -> ExitCode {
    // A reader of help that has gone away needs none.
    let _ = error.print();
    if error.use_stderr() {
        return ExitCode::from(Exit::Usage as u8);
    }
    ExitCode::SUCCESS
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(demo) => demo.run(),
        Command::Init(init) => init.run(),
        Command::Serve(serve) => serve.run(),
        Command::Cert(cert) => cert.run(),
        Command::Apply(apply) => wait_for(apply.run()),
        Command::Export(export) => wait_for(export.run()),
        Command::Member(member) => wait_for(member.run()),
        Command::System(system) => wait_for(system.run()),
        Command::Service(service) => wait_for(service.run()),
        Command::Access(access) => wait_for(access.run()),
        Command::Directory(directory) => wait_for(directory.run()),
        Command::Audit(audit) => wait_for(audit.run()),
        Command::Get(get) => wait_for(get.run()),
        Command::Transactions(transactions) => wait_for(transactions.run()),
        Command::Baseline(baseline) => wait_for(baseline.run()),
        Command::Stats(stats) => wait_for(stats.run()),
        Command::Top(top) => wait_for(top.run()),
        Command::Report(report) => wait_for(report.run()),
        Command::Verify(verify) => wait_for(verify.run()),
        Command::Doctor(doctor) => wait_for(doctor.run()),
        Command::Backup(backup) => backup.run(),
        Command::Journal(journal) => journal.run(),
        Command::Simulate(simulate) => simulate.run(),
        Command::Bench(bench) => bench.run(),
        Command::Completions(completions) => completions.run(),
    }
}

/// A client's command needs no more than the thread it stands on.
fn wait_for(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime cannot start")?;
    runtime.block_on(command)
}
