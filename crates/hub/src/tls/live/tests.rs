//! Files that change under a running hub.

use std::path::PathBuf;

use ndxp_gateway::identity::PeerIdentity;
use ndxp_gateway::trust::CertificateKey;
use ndxp_model::{Instant, ManualClock};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tempfile::TempDir;

use super::*;
use crate::authority::{AuthorityFolder, Hosts, Issued, Record, Validity};

struct House {
    folder: TempDir,
    clock: Arc<ManualClock>,
    authority: AuthorityFolder,
    config: Config,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Instant::from_micros(1_700_000_000_000_000)));
        let authority = folder.path().join("pki/authority");
        let authority = AuthorityFolder::create(&authority, "ndxp.local", clock.clone()).unwrap();
        let text = "tls.revoked = \"pki/authority/crl.pem\"";
        let config = Config::parse(&folder.path().join("ndxp.toml"), text).unwrap();
        let house = Self {
            folder,
            clock,
            authority,
            config,
        };
        let (hub, _) = house.issue(PeerIdentity::Hub("hub-1".to_owned()), 30);
        hub.save(&house.pki()).unwrap();
        house
    }

    fn pki(&self) -> PathBuf {
        self.folder.path().join("pki/hub")
    }

    fn issue(&self, holder: PeerIdentity, days: u32) -> (Issued, Record) {
        let validity = Validity::days(&*self.clock, days);
        let issued = self.authority.issue(&holder, &Hosts::default(), validity);
        issued.unwrap()
    }

    fn start(&self) -> Arc<LiveTls> {
        LiveTls::start(&self.config, self.clock.clone()).unwrap()
    }
}

/// Looks until the files have settled.
#[track_caller]
fn settle(live: &LiveTls) -> Looked {
    assert!(matches!(live.look(), Looked::Changing));
    live.look()
}

#[test]
fn files_that_stand_still_are_left_alone() {
    let house = House::new();
    let live = house.start();
    let before = live.exchange().load_full();
    for _ in 0..3 {
        assert!(matches!(live.look(), Looked::Unchanged));
    }
    assert!(Arc::ptr_eq(&before, &live.exchange().load_full()));
}

#[test]
fn a_renewed_certificate_is_shown_on_every_side() {
    let house = House::new();
    let live = house.start();
    let first = live.current().valid_until();
    let ports = [live.exchange(), live.control()].map(|port| (port.load_full(), port));
    let (renewed, _) = house.issue(PeerIdentity::Hub("hub-1".to_owned()), 60);
    renewed.replace(&house.pki()).unwrap();
    assert!(matches!(settle(&live), Looked::TakenOver));
    assert!(matches!(live.look(), Looked::Unchanged));
    assert!(live.current().valid_until() > first);
    for (before, port) in ports {
        assert!(!Arc::ptr_eq(&before, &port.load_full()));
    }
    let shown = live.credentials().resolve(&[], &[]).unwrap();
    assert!(Arc::ptr_eq(&shown, &live.current().own));
}

#[test]
fn files_in_the_middle_of_a_change_are_waited_for() {
    let house = House::new();
    let live = house.start();
    let (renewed, _) = house.issue(PeerIdentity::Hub("hub-1".to_owned()), 60);
    std::fs::write(house.pki().join("cert.pem"), &renewed.certificate_pem).unwrap();
    assert!(matches!(live.look(), Looked::Changing));
    // The key comes late: still changing, and never a pair that does not belong together.
    std::fs::write(house.pki().join("key.pem"), &renewed.key_pem).unwrap();
    assert!(matches!(live.look(), Looked::Changing));
    assert!(matches!(live.look(), Looked::TakenOver));
}

#[test]
fn files_that_cannot_serve_are_refused_once_and_the_old_ones_serve_on() {
    let house = House::new();
    let live = house.start();
    let (until, exchange) = (live.current().valid_until(), live.exchange().load_full());
    let (other, _) = house.issue(PeerIdentity::Hub("hub-2".to_owned()), 60);
    other.replace(&house.pki()).unwrap();
    let refused = settle(&live);
    assert!(
        matches!(&refused, Looked::Refused(TlsError::AnotherNode { .. })),
        "{refused:?}"
    );
    assert!(matches!(live.look(), Looked::Unchanged), "said once");
    std::fs::remove_file(house.pki().join("cert.pem")).unwrap();
    assert!(matches!(
        settle(&live),
        Looked::Refused(TlsError::File {
            key: "tls.certificate",
            ..
        })
    ));
    assert_eq!(live.current().valid_until(), until);
    assert!(Arc::ptr_eq(&exchange, &live.exchange().load_full()));
}

#[tokio::test]
async fn a_revocation_reaches_whoever_holds_a_connection() {
    let house = House::new();
    let live = house.start();
    let (issued, record) = house.issue(PeerIdentity::Operator("an".to_owned()), 30);
    let der = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap();
    let key = CertificateKey::of(&der).unwrap();
    let trusted = live.trusted();
    let taken_back = ndxp_gateway::trust::taken_back(trusted.clone(), &key);
    let mut taken_back = std::pin::pin!(taken_back);
    let pending = std::future::poll_fn(|context| {
        std::task::Poll::Ready(taken_back.as_mut().poll(context).is_pending())
    });
    assert!(pending.await, "it is not revoked yet");
    house.authority.revoke(&[record.serial], "lost").unwrap();
    assert!(matches!(settle(&live), Looked::TakenOver));
    taken_back.await;
    assert!(trusted.borrow().revokes(&key));
}

#[test]
fn a_list_that_nobody_trusted_has_signed_is_refused() {
    let house = House::new();
    let live = house.start();
    let stranger = House::new();
    let (_, record) = stranger.issue(PeerIdentity::Operator("an".to_owned()), 30);
    stranger.authority.revoke(&[record.serial], "lost").unwrap();
    let list = house.authority.crl_file();
    let rows = [
        (
            std::fs::read_to_string(stranger.authority.crl_file()).unwrap(),
            "signed by none",
        ),
        (String::new(), "holds no list"),
        (
            "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n".to_owned(),
            "list 1",
        ),
    ];
    for (text, problem) in rows {
        std::fs::write(&list, text).unwrap();
        let Looked::Refused(error) = settle(&live) else {
            panic!("{problem}: taken over")
        };
        let text = error.to_string();
        assert!(text.starts_with("tls.revoked: "), "{text}");
        assert!(text.contains(problem), "{text}");
    }
}
