//! What an authority remembers of what it issued, and what it says of what it revoked.

use ndxp_model::ManualClock;
use tempfile::TempDir;
use x509_parser::prelude::CertificateRevocationList;

use super::super::IndexError;
use super::*;

struct House {
    folder: TempDir,
    clock: Arc<ManualClock>,
    authority: AuthorityFolder,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Instant::from_micros(1_700_000_000_000_000)));
        let authority = AuthorityFolder::create(folder.path(), "ndxp.local", clock.clone());
        Self {
            folder,
            clock,
            authority: authority.unwrap(),
        }
    }

    fn days(&self, days: u32) -> Validity {
        Validity::days(&*self.clock, days)
    }

    fn system(&self, id: &str) -> (Issued, Record) {
        let holder = PeerIdentity::System(id.parse().unwrap());
        let hosts = Hosts::with(["lgsp.example.vn".to_owned()]);
        let issued = self.authority.issue(&holder, &hosts, self.days(30));
        issued.unwrap()
    }

    fn index(&self) -> PathBuf {
        self.folder.path().join(INDEX_FILE)
    }

    /// Serial numbers in the list, whose signature is checked.
    fn revoked(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.authority.crl_file()).unwrap();
        let der = rustls_pki_types::CertificateRevocationListDer::from_pem_slice(text.as_bytes());
        let der = der.unwrap();
        let (_, list) = CertificateRevocationList::from_der(&der).unwrap();
        let root = self.authority.authority().certificate_pem();
        let root = CertificateDer::from_pem_slice(root.as_bytes()).unwrap();
        let (_, root) = X509Certificate::from_der(&root).unwrap();
        list.verify_signature(root.public_key()).unwrap();
        let digits =
            |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
        list.iter_revoked_certificates()
            .map(|revoked| digits(revoked.raw_serial()))
            .collect()
    }
}

#[test]
fn what_was_issued_is_found_again_in_the_order_of_issue() {
    let house = House::new();
    let (issued, first) = house.system("H26/lgsp");
    assert_eq!(first.holder.to_string(), "system H26/lgsp");
    assert_eq!(first.hosts.dns, ["localhost", "lgsp.example.vn"]);
    assert_eq!(first.validity, house.days(30));
    let der = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap();
    let fingerprint = ndxp_gateway::identity::fingerprint(&der);
    assert_eq!(bytes(&first.fingerprint).unwrap(), fingerprint);
    let operator = PeerIdentity::Operator("an".to_owned());
    let (_, second) = house
        .authority
        .issue(&operator, &Hosts::default(), house.days(1))
        .unwrap();
    assert_eq!(second.hosts, Hosts::none(), "an operator serves nowhere");
    let again = AuthorityFolder::open(house.folder.path(), house.clock.clone()).unwrap();
    assert_eq!(again.list().unwrap(), [first, second]);
}

#[test]
fn a_certificate_is_meant_by_its_serial_number_or_its_holder() {
    let house = House::new();
    let (_, record) = house.system("H26/lgsp");
    let uri = "spiffe://ndxp.local/member/H26/system/lgsp";
    for text in [&record.serial, "H26/lgsp", "system H26/lgsp", uri] {
        assert!(record.is_meant_by(text, "ndxp.local"), "{text}");
    }
    assert!(record.is_meant_by(&record.serial.to_uppercase(), "ndxp.local"));
    for text in ["", "H26", "lgsp", "H26/lgs", "operator H26/lgsp"] {
        assert!(!record.is_meant_by(text, "ndxp.local"), "{text}");
    }
}

#[test]
fn a_renewed_certificate_has_the_same_names_and_another_key_and_both_are_valid() {
    let house = House::new();
    let (old, record) = house.system("H26/lgsp");
    let (new, renewed) = house
        .authority
        .renew(&record.serial, house.days(60))
        .unwrap();
    assert_eq!(
        (&renewed.holder, &renewed.hosts),
        (&record.holder, &record.hosts)
    );
    assert_ne!(renewed.serial, record.serial);
    assert_ne!(new.key_pem, old.key_pem);
    let now = house.clock.now();
    let list = house.authority.list().unwrap();
    assert!(list.iter().all(|record| record.is_valid_at(now)));
    assert!(
        !record.is_valid_at(record.validity.until),
        "the end is not in it"
    );
}

#[test]
fn a_revoked_certificate_stands_in_the_signed_list_and_is_not_renewed() {
    let house = House::new();
    let (_, one) = house.system("H26/lgsp");
    let (_, other) = house.system("H27/lgsp");
    assert!(house.revoked().is_empty());
    let serials = [one.serial.clone()];
    let revoked = house.authority.revoke(&serials, " khóa bị lộ ").unwrap();
    let at = house.clock.now();
    let reason = "khóa bị lộ".to_owned();
    assert_eq!(revoked[0].revoked, Some(Revocation { at, reason }));
    assert_eq!(house.revoked(), serials);
    assert!(!house.authority.list().unwrap()[0].is_valid_at(at));
    assert!(matches!(
        house.authority.renew(&one.serial, house.days(1)),
        Err(AuthorityError::WasRevoked { .. })
    ));
    // Once more changes neither the reason nor the time; another is added.
    house
        .clock
        .set(at.saturating_add(std::time::Duration::from_secs(9)));
    let both = [one.serial, other.serial];
    let again = house.authority.revoke(&both, "other").unwrap();
    assert_eq!(again[0].revoked, revoked[0].revoked);
    assert_eq!(house.revoked(), both);
}

#[test]
fn nothing_is_revoked_when_one_is_unknown_or_no_reason_is_given() {
    let house = House::new();
    let (_, record) = house.system("H26/lgsp");
    let serials = [record.serial.clone(), "40ff".to_owned()];
    assert!(matches!(
        house.authority.revoke(&serials, "lost"),
        Err(AuthorityError::NotIssued { serial }) if serial == "40ff"
    ));
    for reason in ["", "  ", "a\nb", &"x".repeat(REASON_CHARS_MAX + 1)] {
        let result = house.authority.revoke(&serials[..1], reason);
        assert!(
            matches!(result, Err(AuthorityError::WrongReason { .. })),
            "{reason:?}"
        );
    }
    assert!(house.revoked().is_empty());
    assert_eq!(house.authority.list().unwrap(), [record]);
}

#[test]
fn a_certificate_from_before_the_index_can_be_taken_in() {
    let house = House::new();
    let authority = house.authority.authority();
    let issued = authority.issue_auditor("a", house.days(1)).unwrap();
    let adopted = house.authority.adopt(&issued.certificate_pem).unwrap();
    assert_eq!(adopted.holder, PeerIdentity::Auditor("a".to_owned()));
    assert_eq!(
        house.authority.adopt(&issued.certificate_pem).unwrap(),
        adopted
    );
    assert_eq!(house.authority.list().unwrap().len(), 1);
    let other = House::new();
    let (stranger, _) = other.system("H26/lgsp");
    assert!(matches!(
        house.authority.adopt(&stranger.certificate_pem),
        Err(AuthorityError::OfAnother)
    ));
}

#[test]
fn a_line_that_broke_off_is_cut_away_and_a_damaged_one_is_named() {
    let house = House::new();
    house.system("H26/lgsp");
    let whole = std::fs::read_to_string(house.index()).unwrap();
    std::fs::write(house.index(), format!("{whole}{{\"event\":\"iss")).unwrap();
    assert_eq!(house.authority.list().unwrap().len(), 1);
    house.system("H27/lgsp");
    assert_eq!(house.authority.list().unwrap().len(), 2);

    let rows = [
        ("x\n".to_owned(), "expected value"),
        (whole.clone() + &whole, "was issued before"),
        (
            whole.clone()
                + "{\"event\":\"revoked\",\"serial\":\"00\",\"reason\":\"\",\"at_us\":1}\n",
            "00 was never issued",
        ),
        (whole.replace("\"at_us\"", "\"at\""), "unknown field `at`"),
    ];
    for (text, problem) in rows {
        std::fs::write(house.index(), text).unwrap();
        let error = house.authority.list().unwrap_err();
        assert!(
            matches!(&error, AuthorityError::Index(IndexError::Damaged { .. })),
            "{error}"
        );
        assert!(error.to_string().contains(problem), "{error}");
    }
}

#[test]
fn renewed_files_take_the_place_of_the_old_ones() {
    let house = House::new();
    let (old, record) = house.system("H26/lgsp");
    let folder = house.folder.path().join("lgsp");
    old.save(&folder).unwrap();
    let renewed = house.authority.renew(&record.serial, house.days(60));
    let (new, _) = renewed.unwrap();
    std::fs::write(folder.join(".key.pem.new"), "broke off").unwrap();
    new.replace(&folder).unwrap();
    let key = crate::secret::read_private(&folder.join("key.pem")).unwrap();
    assert_eq!(key, new.key_pem);
    let names = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(names, 3, "nothing is left beside them");
}
