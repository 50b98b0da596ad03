//! How a new province joins, as the guides tell it: the commands are the guides' own, in their
//! order, and what they print is what the guides say they print.
//!
//! A fenced block ```` ```console story N ```` is the N-th scene, wherever it stands. Lines that
//! begin with `$ ` are run by a shell in the hub's folder; a line that ends in `\` goes on in the
//! next. The lines behind a command must come in its output, in their order; blanks count as one,
//! and `…` stands for anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use ndxp_proto::example::population::v1 as population;
use ndxp_proto::example::population::v1::population_service_server::PopulationServiceServer;
use prost::Message as _;
use tonic::service::Routes;

use super::load::reason;
use crate::support::call::{Answer, Call, message};
use crate::support::catalogue::Catalogue;
use crate::support::consumer::Consumer;
use crate::support::credentials::Credentials;
use crate::support::hub::Hub;
use crate::support::national::Population;
use crate::support::provider::Provider;
use crate::support::wait::until;

const SERVICE: &str = "ndxp.example.population.v1.PopulationService";

/// A command and the lines that are said to come of it.
#[derive(Debug, Default)]
struct Step {
    command: String,
    says: Vec<String>,
}

/// The guides, and where their commands are run.
struct Stage {
    scenes: BTreeMap<u32, Vec<Step>>,
    folder: PathBuf,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_province_joins_as_the_guides_tell_it() {
    let hub = Hub::start().await;
    let ministry = hub.home().join("G01-population");
    let folder = ministry.to_str().unwrap();
    hub.run(&[
        "cert",
        "issue",
        "--system",
        "G01/population",
        "--out",
        folder,
    ])
    .success();
    let routes = Routes::new(PopulationServiceServer::new(Population));
    let provider = Provider::serve_services(&hub, &Credentials::read(&ministry), routes);
    let catalogue = Catalogue::new()
        .member("G01", "")
        .system("G01/population", &[provider.address], "")
        .service("G01/population", SERVICE, "");
    hub.apply(&catalogue);
    let mut stage = Stage::read(hub.home());

    // The operator takes the province in and hands over a certificate.
    stage.play(1);
    let credentials = Credentials::read(&hub.home().join("H26-lgsp"));
    let province = Consumer::connect(&hub, &credentials).await;
    assert_eq!(
        reason(&verify(&province).await).as_deref(),
        Some("NO_GRANT")
    );
    // The province asks, and may not call yet.
    stage.play(2);
    assert_eq!(
        reason(&verify(&province).await).as_deref(),
        Some("NO_GRANT")
    );
    // The ministry approves; the open connection calls.
    stage.play(3);
    let answer = verify(&province).await;
    assert_eq!(reason(&answer), None, "{answer:?}");
    hub.settled(answer.transaction_id()).await;
    // The province and the operator see what happened.
    stage.play(4);
    stage.play(5);
    // A new certificate needs no new grant.
    stage.play(6);
    let renewed = Credentials::read(&hub.home().join("H26-lgsp"));
    assert_ne!(renewed.chain(), credentials.chain());
    let again = Consumer::connect(&hub, &renewed).await;
    for consumer in [&province, &again] {
        let answer = verify(consumer).await;
        assert_eq!(reason(&answer), None, "{answer:?}");
    }
    // A key is lost: the province is shut out, and its certificates are taken back.
    stage.play(7);
    assert_eq!(
        reason(&verify(&again).await).as_deref(),
        Some("SYSTEM_SUSPENDED")
    );
    until("connections that are closed", async || {
        let open = again.open(&call(), false).await;
        open.is_err().then_some(())
    })
    .await;
    // It comes back with a new one.
    stage.play(8);
    let back = Credentials::read(&hub.home().join("H26-lgsp-new"));
    let answer = verify(&Consumer::connect(&hub, &back).await).await;
    assert_eq!(reason(&answer), None, "{answer:?}");
    stage.is_over();
    hub.verify();
    hub.stop().await;
}

fn call() -> Call {
    Call::to(format!("/{SERVICE}/VerifyIdentity")).provider("G01/population")
}

async fn verify(consumer: &Consumer) -> Answer {
    let person = population::Person {
        personal_number: "001099000001".to_owned(),
        ..population::Person::default()
    };
    let request = population::VerifyIdentityRequest {
        person: Some(person),
    };
    consumer
        .call(&call(), message(&request.encode_to_vec()))
        .await
}

impl Stage {
    fn read(folder: PathBuf) -> Self {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let mut scenes = BTreeMap::new();
        for guide in ["guide-operator.md", "guide-agency.md"] {
            let text = std::fs::read_to_string(docs.join(guide)).expect("the guide is there");
            for (number, scene) in read_scenes(&text) {
                let before = scenes.insert(number, scene);
                assert!(before.is_none(), "{guide}: scene {number} stands twice");
            }
        }
        Self { scenes, folder }
    }

    #[track_caller]
    fn play(&mut self, number: u32) {
        let scene = self.scenes.remove(&number);
        for step in scene.unwrap_or_else(|| panic!("no guide holds a scene {number}")) {
            self.perform(number, &step);
        }
    }

    #[track_caller]
    fn is_over(&self) {
        assert!(self.scenes.is_empty(), "nobody plays {:?}", self.scenes);
    }

    #[track_caller]
    fn perform(&self, number: u32, step: &Step) {
        let binary = Path::new(env!("CARGO_BIN_EXE_ndxp"));
        let beside = binary.parent().expect("it lies in a folder");
        let path = std::env::var("PATH").expect("there is a PATH");
        let ran = Command::new("sh")
            .args(["-e", "-c", &step.command])
            .current_dir(&self.folder)
            .env("PATH", format!("{}:{path}", beside.display()))
            .env_remove("NDXP_CONFIG")
            .output()
            .expect("there is a shell");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("it is UTF-8");
        let said = text(&ran.stdout) + &text(&ran.stderr);
        let command = &step.command;
        assert!(ran.status.success(), "scene {number}: {command}\n{said}");
        let mut lines = said.lines();
        for expected in &step.says {
            let found = lines.any(|line| is_said(expected, line));
            assert!(
                found,
                "scene {number}: {command}\ndoes not say {expected:?}:\n{said}"
            );
        }
    }
}

/// The scenes of one guide by their numbers.
fn read_scenes(guide: &str) -> Vec<(u32, Vec<Step>)> {
    let mut scenes = Vec::new();
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        let Some(number) = line.strip_prefix("```console story ") else {
            continue;
        };
        let mut steps: Vec<Step> = Vec::new();
        while let Some(line) = lines.next().filter(|line| *line != "```") {
            let Some(begun) = line.strip_prefix("$ ") else {
                let step = steps.last_mut().expect("a scene begins with a command");
                step.says.push(line.to_owned());
                continue;
            };
            let mut command = begun.to_owned();
            while command.ends_with('\\') {
                command.push('\n');
                command.push_str(lines.next().expect("a command ends in its block"));
            }
            steps.push(Step {
                command,
                ..Step::default()
            });
        }
        scenes.push((number.parse().expect("scenes are numbered"), steps));
    }
    scenes
}

/// Whether the line is what was expected; `…` stands for anything.
fn is_said(expected: &str, line: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (expected, line) = (plain(expected), plain(line));
    let parts: Vec<&str> = expected.split('…').map(str::trim).collect();
    let [first, between @ .., last] = parts.as_slice() else {
        return line == expected;
    };
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    for part in between {
        let Some((_, behind)) = rest.split_once(part) else {
            return false;
        };
        rest = behind;
    }
    rest.ends_with(last)
}

#[test]
fn what_is_said_may_leave_out_what_differs() {
    let rows = [
        ("a b", "a   b", true),
        ("a b", "a b c", false),
        ("a …", "a b c", true),
        ("… c", "a b c", true),
        ("a … c", "a b c", true),
        ("a … d", "a b c", false),
        ("… b …", "a b c", true),
    ];
    for (expected, line, is) in rows {
        assert_eq!(is_said(expected, line), is, "{expected:?} of {line:?}");
    }
}
