//! An independent implementation of gRPC on both sides of the hub: Python's grpcio calls a grpcio
//! provider through it, in every way that gRPC has.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::credentials::Credentials;
use crate::support::hub::Hub;
use crate::support::wait::until;
use crate::support::world::{CONSUMER, PROVIDER, members};

/// `required` makes a missing grpcio a failure.
const WANTED: &str = "NDXP_TEST_GRPCIO";
const SERVICE: &str = "ndxp.test.v1.GrpcioService";

#[tokio::test(flavor = "multi_thread")]
async fn grpcio_consumes_and_provides_through_the_hub() {
    if !has_grpcio() {
        let required = std::env::var(WANTED).is_ok_and(|wanted| wanted == "required");
        assert!(!required, "python3 cannot import grpc and grpc_status");
        println!("skipped: python3 cannot import grpc and grpc_status; see requirements.txt");
        return;
    }
    let hub = Hub::start().await;
    let provider = PythonProvider::start(&hub.issue(PROVIDER));
    let catalogue = members()
        .system(PROVIDER, &[([127, 0, 0, 1], provider.port).into()], "")
        .service(PROVIDER, SERVICE, "")
        .service(PROVIDER, "ndxp.test.v1.Ungranted", "")
        .grant(CONSUMER, PROVIDER, SERVICE, "");
    hub.apply(&catalogue);

    let rules = consume(&hub, &hub.issue(CONSUMER));
    assert_eq!(rules, 12, "rules of the consumer's script that hold");

    until("the last call settled", async || {
        (hub.verify()["in_flight"] == 0).then_some(())
    })
    .await;
    let answer = hub
        .run(&["stats", "--by", "outcome", "-o", "json"])
        .success();
    let counts: Value = serde_json::from_str(&answer).unwrap();
    let outcomes = &counts["total"]["outcomes"];
    let expected = [
        ("completed", 11),
        ("provider_error", 2),
        ("refused", 1),
        ("timed_out", 1),
        ("cancelled", 1),
        ("unreachable", 0),
        ("interrupted", 0),
    ];
    for (outcome, count) in expected {
        assert_eq!(outcomes[outcome], count, "{outcome}: {counts:#}");
    }
    drop(provider);
    hub.stop().await;
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/grpcio")
        .join(name)
}

fn has_grpcio() -> bool {
    let mut python = Command::new("python3");
    python
        .args(["-c", "import grpc, grpc_status"])
        .stderr(Stdio::null());
    python.status().is_ok_and(|status| status.success())
}

/// Runs the consumer; how many rules it found to hold, which is all of them.
fn consume(hub: &Hub, credentials: &Credentials) -> usize {
    let output = Command::new("python3")
        .arg(script("check.py"))
        .args(["--hub", &format!("localhost:{}", hub.exchange().port())])
        .arg("--credentials")
        .arg(&credentials.folder)
        .output()
        .expect("python3 runs");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (held, talk) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "these held:\n{held}\nand then:\n{talk}"
    );
    held.lines().count()
}

/// The provider's process; it ends when its standard input does.
struct PythonProvider {
    child: Child,
    port: u16,
}

impl PythonProvider {
    fn start(credentials: &Credentials) -> Self {
        let mut child = Command::new("python3")
            .arg(script("provider.py"))
            .arg("--credentials")
            .arg(&credentials.folder)
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
