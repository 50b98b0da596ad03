//! What must stay secret stays so: keys are for their owner alone or refused, and neither a key nor what
//! was exchanged is in the log, at its most talkative, in metrics, in answers to operators or in the
//! data directory.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::support::call::{Call, message, value};
use crate::support::hub::Hub;
use crate::support::provider::echo;
use crate::support::world::{World, call};

/// A citizen's number, and a token between the two parties.
const PAYLOAD: &str = "001234567890";
const TOKEN: &str = "token-of-the-providers-own";

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_others_may_read_are_refused() {
    let mut hub = Hub::start().await;
    hub.terminate();
    assert!(hub.exited().await.success());
    // The key, and who reads it.
    let rows: [(&str, &[&str]); 3] = [
        ("pki/hub/key.pem", &["serve"]),
        ("data/salt.key", &["serve"]),
        ("pki/operator/key.pem", &["get", "members"]),
    ];
    for (key, command) in rows {
        let path = hub.home().join(key);
        let secret = fs::read_to_string(&path).unwrap();
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let refused = hub.run(command);
            assert!(refused.exit.is_some_and(|exit| exit != 0), "{refused:?}");
            for says in [format!("mode {mode:04o}"), "chmod 600".to_owned()] {
                assert!(refused.stderr.contains(&says), "{key}: {refused:?}");
            }
            for line in lines(&secret) {
                let told = refused.stderr.contains(line) || refused.stdout.contains(line);
                assert!(!told, "{key} is shown: {refused:?}");
            }
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_written_down_anywhere() {
    let mut hub = Hub::init();
    hub.log_at("trace");
    let mut world = World::start_with(hub, "", echo).await;
    let asked = call().with("authorization", TOKEN);
    let answer = world
        .consumer
        .call(&asked, message(PAYLOAD.as_bytes()))
        .await;
    assert_eq!(answer.grpc_status(), 0);
    let salt = value(&answer.headers, "ndxp-digest-salt").to_owned();
    let transaction = world.hub.settled(answer.transaction_id()).await;
    // A refusal is logged, too, and an answer to it says why.
    let refused = Call::to("/ndxp.test.v1.Nobody/Knows").with("authorization", TOKEN);
    let refused = world
        .consumer
        .call(&refused, message(PAYLOAD.as_bytes()))
        .await;
    let metrics = world.hub.observed("/metrics").await;
    world.hub.terminate();
    let (status, log) = world.hub.exited_with_log().await;
    assert!(status.success());
    assert!(log.contains("TRACE"), "the log is at its most talkative");

    let home = world.hub.home();
    let keys = ["pki/hub/key.pem", "pki/operator/key.pem", "data/salt.key"];
    let keys = keys.map(|key| fs::read_to_string(home.join(key)).unwrap());
    let mut secrets: Vec<&str> = keys.iter().flat_map(|key| lines(key)).collect();
    secrets.extend(lines(&world.credentials.key_pem));
    secrets.extend([PAYLOAD, TOKEN, salt.as_str()]);
    let mut places = vec![
        ("the log".to_owned(), log.into_bytes()),
        ("metrics".to_owned(), metrics.into_bytes()),
        ("a record".to_owned(), transaction.to_string().into_bytes()),
        ("a refusal".to_owned(), format!("{refused:?}").into_bytes()),
    ];
    for file in files(&home.join("data")) {
        if !file.ends_with("salt.key") {
            places.push((file.display().to_string(), fs::read(&file).unwrap()));
        }
    }
    assert!(places.len() > 5, "the data directory holds files");
    for (place, holds) in &places {
        for secret in &secrets {
            let found = holds
                .windows(secret.len())
                .any(|it| it == secret.as_bytes());
            assert!(!found, "{place} holds {secret:?}");
        }
    }
}

/// Of a key's file: whatever of it would tell it.
fn lines(key: &str) -> impl Iterator<Item = &str> {
    key.lines()
        .filter(|line| line.len() >= 16 && !line.starts_with("-----"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}
