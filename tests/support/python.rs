//! Participants in Python: grpcio's client and server, which share no code with the hub.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::credentials::Credentials;

/// `required` makes a missing grpcio a failure.
const WANTED: &str = "NDXP_TEST_GRPCIO";
const IMPORTS: &str = "import grpc, grpc_status, grpc_tools";

/// Whether this machine has what the scripts import.
///
/// # Panics
/// When it has not, and must.
pub fn has_grpcio() -> bool {
    let mut python = Command::new("python3");
    python.args(["-c", IMPORTS]).stderr(Stdio::null());
    if python.status().is_ok_and(|status| status.success()) {
        return true;
    }
    let required = std::env::var(WANTED).is_ok_and(|wanted| wanted == "required");
    assert!(!required, "python3 cannot `{IMPORTS}`");
    println!("skipped: python3 cannot `{IMPORTS}`; see tests/grpcio/requirements.txt");
    false
}

/// A script of `tests/grpcio`, run to its end; what it printed.
#[track_caller]
pub fn consume(script: &str, credentials: &Credentials, arguments: &[&str]) -> String {
    let output = python(script, credentials)
        .args(arguments)
        .output()
        .expect("python3 runs");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (said, talk) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "this was said:\n{said}\nand then:\n{talk}"
    );
    said
}

/// A provider's process; it ends when its standard input does.
pub struct PythonProvider {
    child: Child,
    pub port: u16,
}

impl PythonProvider {
    pub fn start(script: &str, credentials: &Credentials) -> Self {
        let mut child = python(script, credentials)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it was piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the provider speaks");
        let port = line.trim().parse().expect("the provider names its port");
        Self { child, port }
    }
}

impl Drop for PythonProvider {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It may have ended by itself.
        let _ended = self.child.kill();
        self.child.wait().expect("a child can be waited for");
    }
}

fn python(script: &str, credentials: &Credentials) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/grpcio");
    let script: PathBuf = folder.join(script);
    let mut command = Command::new("python3");
    command
        .arg(script)
        .arg("--credentials")
        .arg(&credentials.folder);
    command
}
