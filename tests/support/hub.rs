//! A hub in a folder of its own, served on free ports of this machine, and what an operator does
//! with it.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::catalogue::Catalogue;
use super::config::ConfigFile;
use super::credentials::Credentials;
use super::process::{Process, Run, run, run_through};
use super::wait::until;

/// Listeners, in the order of the configuration.
const LISTENERS: [&str; 3] = ["exchange", "control", "observe"];

pub struct Hub {
    folder: TempDir,
    config: ConfigFile,
    process: Option<Process>,
    /// Where it listens, in the order of [`LISTENERS`]; from its first start on.
    addresses: [SocketAddr; 3],
    expected_complaints: Vec<&'static str>,
    /// What runs its commands where it is.
    through: &'static [&'static str],
    log_level: &'static str,
}

impl Hub {
    /// A folder as `ndxp init` makes it, not yet served.
    pub fn init() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let home = folder.path().join("hub");
        run(["init", text(&home)]).success();
        let path = home.join("ndxp.toml");
        let hub = Self {
            folder,
            config: ConfigFile { path },
            process: None,
            addresses: [([127, 0, 0, 1], 0).into(); 3],
            expected_complaints: Vec::new(),
            through: &[],
            log_level: "info",
        };
        hub.set("hub", "cores", "2");
        for name in LISTENERS {
            hub.set(name, "listen", "\"127.0.0.1:0\"");
        }
        hub
    }

    /// The same on a machine of its own: beside that machine's own it listens on these addresses, for
    /// consumers and for those who observe it.
    pub fn init_elsewhere(
        through: &'static [&'static str],
        exchange: &str,
        observe: IpAddr,
    ) -> Self {
        let mut hub = Self::init();
        hub.through = through;
        hub.set("exchange", "listen", &format!("\"{exchange}:0\""));
        hub.set("observe", "listen", &format!("\"{observe}:0\""));
        hub
    }

    /// The same, served and ready.
    pub async fn start() -> Self {
        let mut hub = Self::init();
        hub.serve().await;
        hub
    }

    /// Changes a value of the configuration; takes effect when it is served next.
    #[track_caller]
    pub fn set(&self, section: &str, key: &str, value: &str) {
        self.config.set(section, key, value);
    }

    /// How much is logged when it is served next.
    pub fn log_at(&mut self, level: &'static str) {
        self.log_level = level;
    }

    /// A complaint in the log that holds this text is part of the test.
    pub fn expect_complaint(&mut self, text: &'static str) {
        self.expected_complaints.push(text);
    }

    /// Serves the folder and waits until it is ready; on the ports it had if it had some.
    pub async fn serve(&mut self) {
        self.serve_unready();
        let log = &self.process.as_ref().expect("it was just started").log;
        for (name, address) in LISTENERS.into_iter().zip(&mut self.addresses) {
            *address = log
                .find(&format!("the {name} address"), |line| {
                    address_in(line, name)
                })
                .await;
        }
        // From now on it can be found, and comes back where it was.
        for (name, address) in LISTENERS.into_iter().zip(self.addresses) {
            self.set(name, "listen", &format!("\"{address}\""));
        }
        until("a ready hub", async || self.is_ready().await.then_some(())).await;
    }

    /// Starts the process and waits for nothing.
    pub fn serve_unready(&mut self) {
        let (through, log_level) = (self.through, self.log_level);
        self.process = Some(Process::serve(through, &self.config.path, log_level));
    }

    pub async fn is_ready(&self) -> bool {
        self.observed("/ready").await.starts_with("HTTP/1.1 200 ")
    }

    /// The observe port's answer, head and body; empty when there is none.
    pub async fn observed(&self, path: &str) -> String {
        let [_, _, observe] = self.addresses;
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(observe).await {
            let request = format!("GET {path} HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n");
            let asked = stream.write_all(request.as_bytes()).await;
            if asked.is_err() || stream.read_to_string(&mut answer).await.is_err() {
                answer.clear();
            }
        }
        answer
    }

    pub fn exchange(&self) -> SocketAddr {
        let [exchange, _, _] = self.addresses;
        exchange
    }

    /// Memory that the hub has resident.
    pub fn resident_bytes(&self) -> usize {
        let process = self.process.as_ref().expect("the hub is served");
        process.resident_bytes()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("the hub is served");
        process.kill();
        self.check_quiet(&process);
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let process = self.process.as_ref().expect("the hub is served");
        process.terminate();
    }

    /// Waits for the process to end.
    pub async fn exited(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("the hub is served");
        let status = process.exited().await;
        self.check_quiet(&process);
        status
    }

    /// The same, and all that it has logged.
    pub async fn exited_with_log(&mut self) -> (ExitStatus, String) {
        let mut process = self.process.take().expect("the hub is served");
        let status = process.exited().await;
        self.check_quiet(&process);
        (status, process.log.text())
    }

    /// Ends a test: the counters are what the journal says, the hub stops in order and has
    /// complained of nothing.
    pub async fn stop(mut self) {
        let verified = self.verify();
        assert_eq!(verified["clean"], true, "{verified:#}");
        self.terminate();
        let status = self.exited().await;
        assert!(status.success(), "the hub ended with {status}");
    }

    fn check_quiet(&self, process: &Process) {
        let complaints = process.log.complaints(&self.expected_complaints);
        assert!(
            complaints.is_empty(),
            "complaints in the log: {complaints:#?}"
        );
    }

    /// Runs a command against this hub.
    pub fn run(&self, arguments: &[&str]) -> Run {
        let config = ["--config", text(&self.config.path)];
        run_through(self.through, arguments.iter().copied().chain(config))
    }

    /// The same while the test goes on.
    pub async fn act(&self, arguments: &[&str]) -> Run {
        let config = ["--config", text(&self.config.path)];
        let arguments = arguments.iter().copied().chain(config);
        let arguments: Vec<String> = arguments.map(str::to_owned).collect();
        let through = self.through;
        let ran = tokio::task::spawn_blocking(move || {
            run_through(through, arguments.iter().map(String::as_str))
        });
        ran.await.expect("a command runs to its end")
    }

    /// Issues a certificate for a system.
    pub fn issue(&self, system: &str) -> Credentials {
        let folder = self.folder_of(system);
        let arguments = ["cert", "issue", "--system", system, "--out", &folder];
        self.run(&arguments).success();
        Credentials::read(Path::new(&folder))
    }

    /// Where a system's certificate lies once it is issued.
    pub fn folder_of(&self, system: &str) -> String {
        let folder = self.folder.path().join(system.replace('/', "-"));
        text(&folder).to_owned()
    }

    /// Issues another certificate to the same holder, with a key of its own, in a folder beside.
    pub fn renew(&self, old: &Credentials) -> Credentials {
        let renewed = format!("{}-renewed", text(&old.folder));
        let arguments = ["cert", "renew", text(&old.folder), "--out", &renewed];
        self.run(&arguments).success();
        Credentials::read(Path::new(&renewed))
    }

    /// The hub's own certificate: what providers must see.
    pub fn credentials(&self) -> Credentials {
        Credentials::read(&self.home().join("pki/hub"))
    }

    /// Where `ndxp.toml` and everything beside it lies.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("hub")
    }

    /// Applies a catalogue; its answer.
    #[track_caller]
    pub fn apply(&self, catalogue: &Catalogue) -> String {
        let path = self.write_catalogue(catalogue);
        self.run(&["apply", "-f", text(&path)]).success()
    }

    pub fn write_catalogue(&self, catalogue: &Catalogue) -> PathBuf {
        let path = self.folder.path().join("catalogue.toml");
        fs::write(&path, catalogue.text()).expect("the file can be written");
        path
    }

    /// The journal's record of a transaction.
    #[track_caller]
    pub fn transaction(&self, id: &str) -> Value {
        let answer = self
            .run(&["transactions", "--id", id, "-o", "json"])
            .success();
        serde_json::from_str(&answer).expect("-o json prints JSON")
    }

    /// Waits until the journal says how the transaction ended.
    pub async fn settled(&self, id: &str) -> Value {
        until("a settled transaction", async || {
            let transaction = self.transaction(id);
            (transaction["outcome"] != "in_flight").then_some(transaction)
        })
        .await
    }

    /// `ndxp verify` finds nothing; its summary.
    #[track_caller]
    pub fn verify(&self) -> Value {
        let answer = self.run(&["verify", "-o", "json"]).success();
        serde_json::from_str(&answer).expect("-o json prints JSON")
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        process.kill();
        if std::thread::panicking() {
            eprintln!("the hub's log:\n{}", process.log.text());
        } else {
            self.check_quiet(&process);
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

/// The address in the line that says where the listener listens.
fn address_in(line: &str, listener: &str) -> Option<SocketAddr> {
    if !line.contains(listener) {
        return None;
    }
    let words = line.split(|it: char| !it.is_ascii_digit() && !".:".contains(it));
    words.filter_map(|word| word.parse().ok()).next()
}
