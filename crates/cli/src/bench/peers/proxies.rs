//! The proxies that the hub is compared with, as far as they are installed: found, configured,
//! started, and stopped again.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::configurations::{ENVOY, HAPROXY, NGINX, Plan};

/// A proxy that was not up or not gone after so long is given up.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A kind of proxy.
pub struct Kind {
    pub name: &'static str,
    /// Says its version; also how it is told that it is installed.
    version: &'static str,
    configuration: &'static str,
    file: &'static str,
    /// Arguments; `{file}` is the configuration, `{folder}` its folder, `{workers}` their number.
    arguments: &'static [&'static str],
}

pub const KINDS: [Kind; 3] = [
    Kind {
        name: "nginx",
        version: "-v",
        configuration: NGINX,
        file: "nginx.conf",
        arguments: &["-e", "stderr", "-p", "{folder}", "-c", "{file}"],
    },
    Kind {
        name: "haproxy",
        version: "-v",
        configuration: HAPROXY,
        file: "haproxy.cfg",
        arguments: &["-db", "-f", "{file}"],
    },
    Kind {
        name: "envoy",
        version: "--version",
        configuration: ENVOY,
        file: "envoy.yaml",
        arguments: &[
            "-c",
            "{file}",
            "--concurrency",
            "{workers}",
            "--log-level",
            "error",
            "--disable-hot-restart",
        ],
    },
];

/// A proxy that serves; stopped when dropped.
pub struct Proxy {
    pub address: SocketAddr,
    pub pid: u32,
    child: Child,
}

impl Kind {
    /// What the installed one says of itself; `None` where none is.
    pub fn installed(&self) -> Option<String> {
        let said = Command::new(self.name).arg(self.version).output().ok()?;
        let text = [said.stdout, said.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        // nginx says "nginx version: nginx/1.22.1", envoy "… version: <commit>/1.40.0/…".
        let word = text
            .split_whitespace()
            .flat_map(|word| word.split('/'))
            .find(|part| part.starts_with(|it: char| it.is_ascii_digit()) && part.contains('.'))?;
        Some(format!("{} {word}", self.name))
    }

    /// Starts one before the provider and waits until it listens.
    ///
    /// `pki` holds what it shows and whom it trusts; whatever it says lies in the folder.
    pub fn start(
        &self,
        (folder, pki): (&Path, &Path),
        provider: SocketAddr,
        message_bytes: usize,
    ) -> anyhow::Result<Proxy> {
        let folder = folder.join(self.name);
        fs::create_dir_all(&folder)?;
        let workers = std::thread::available_parallelism()?.get();
        let plan = Plan {
            folder: &folder,
            listen: free_port()?,
            provider,
            pki,
            workers,
            message_bytes,
        };
        let file = folder.join(self.file);
        fs::write(&file, plan.filled(self.configuration))?;
        let log = folder.join("log");
        let talk = File::create(&log)?;
        let argument = |text: &&str| {
            text.replace("{file}", &file.display().to_string())
                .replace("{folder}", &folder.display().to_string())
                .replace("{workers}", &workers.to_string())
        };
        let child = Command::new(self.name)
            .args(self.arguments.iter().map(argument))
            .stdin(Stdio::null())
            .stdout(talk.try_clone()?)
            .stderr(talk)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.name))?;
        let mut proxy = Proxy {
            address: plan.listen,
            pid: child.id(),
            child,
        };
        proxy.listens().with_context(|| {
            let said = fs::read_to_string(&log).unwrap_or_default();
            format!("{} does not serve: {said}", self.name)
        })?;
        Ok(proxy)
    }
}

impl Proxy {
    fn listens(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}");
            }
            if Instant::now() > until {
                bail!("it does not listen on {}", self.address);
            }
            std::thread::park_timeout(LOOK_EVERY);
        }
        Ok(())
    }

    /// A master is asked, so that it takes its workers with it.
    fn stop(&mut self) -> anyhow::Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.pid)?).context("a process has a number")?;
        kill_process(pid, Signal::TERM)?;
        let until = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > until {
                bail!("it does not end");
            }
            std::thread::park_timeout(LOOK_EVERY);
        }
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if self.stop().is_err() {
            let _gone = self.child.kill();
            let _gone = self.child.wait();
        }
    }
}

/// The folder of certificates as proxies read it: HAProxy wants certificate and key in one file.
pub fn prepare_pki(pki: &Path) -> anyhow::Result<()> {
    let certificate = fs::read(pki.join("cert.pem"))?;
    let key = fs::read(pki.join("key.pem"))?;
    let mut both = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(pki.join("both.pem"))?;
    std::io::Write::write_all(&mut both, &[certificate, key].concat())?;
    Ok(())
}

/// A port that nobody had a moment ago: the proxies cannot say which one they were given.
fn free_port() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
