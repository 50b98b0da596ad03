//! The built binary as a process: served, signalled, and run for a command's answer.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use super::log::Log;
use super::wait::until;

/// The binary under test.
pub fn ndxp() -> Command {
    ndxp_through(&[])
}

/// The same, run by another command that is given it as its last arguments.
fn ndxp_through(through: &[&str]) -> Command {
    let binary = env!("CARGO_BIN_EXE_ndxp");
    let mut command = match through {
        [] => Command::new(binary),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(binary);
            command
        }
    };
    command.env_remove("NDXP_CONFIG").env_remove("NDXP_LOG");
    command
}

/// A hub that is being served. Killed when dropped.
pub struct Process {
    child: Child,
    pub log: Log,
}

impl Process {
    pub fn serve(through: &[&str], config: &Path, log_level: &str) -> Self {
        let mut child = ndxp_through(through)
            .args(["serve", "--log", log_level])
            .args(["--log-format", "json", "--config"])
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built binary starts");
        let log = Log::read(child.stderr.take().expect("it was piped"));
        Self { child, log }
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("kill runs").success(), "no process {id}");
    }

    /// SIGKILL, and nothing of the process is left when this returns.
    pub fn kill(&mut self) {
        // Fails only when the process has ended by itself.
        let _ended = self.child.kill();
        self.child.wait().expect("a child can be waited for");
        self.log.finish();
    }

    /// Memory that it has resident.
    pub fn resident_bytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB"));
        let kib: usize = kib.and_then(|kib| kib.trim().parse().ok()).expect("in kB");
        kib * 1024
    }

    pub async fn exited(&mut self) -> ExitStatus {
        let status = until("the hub's end", async || {
            self.child.try_wait().expect("a child can be waited for")
        });
        let status = status.await;
        self.log.finish();
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a command answered.
#[derive(Debug)]
pub struct Run {
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command of the binary to its end.
pub fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Run {
    run_through(&[], arguments)
}

/// The same by another command.
pub fn run_through<'a>(through: &[&str], arguments: impl IntoIterator<Item = &'a str>) -> Run {
    let mut command = ndxp_through(through);
    command.args(arguments).stdin(Stdio::null());
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the built binary starts");
    let text = |bytes| String::from_utf8(bytes).expect("the binary writes UTF-8");
    Run {
        exit: status.code(),
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

impl Run {
    /// Standard output of a command that succeeded.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.exit, Some(0), "{}\n{}", self.stdout, self.stderr);
        self.stdout
    }
}
