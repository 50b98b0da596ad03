//! Who a certificate names. The certificate is the identity, so the reading is strict: one URI
//! of our trust domain in one exact form, or no name at all; everything between is refused.
//! The chain has been verified before anything here is believed.

use std::fmt;

use ndxp_model::{MemberCode, SystemId};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// SHA-256 over a certificate's DER form.
pub type Fingerprint = [u8; 32];

/// Whom a certificate names.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum PeerIdentity {
    /// `spiffe://<trust-domain>/member/<code>/system/<name>`
    System(SystemId),
    /// `spiffe://<trust-domain>/hub/<node>`
    Hub(String),
    /// `spiffe://<trust-domain>/operator/<name>`
    Operator(String),
    /// `spiffe://<trust-domain>/auditor/<name>`
    Auditor(String),
    /// No URI of our trust domain: only a registered fingerprint can say who it is.
    Unnamed,
}

/// A certificate that must not be given any identity.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdentityError {
    #[error("the certificate is not readable X.509: {problem}")]
    Unreadable { problem: String },
    #[error(
        "the certificate holds {} SPIFFE URIs where at most one may stand: {}",
        uris.len(),
        uris.join(", ")
    )]
    Several { uris: Vec<String> },
    #[error(
        "the certificate's URI {uri:?} does not have the form of trust domain {trust_domain}: \
         spiffe://{trust_domain}/member/<code>/system/<name>, or /hub/<node>, \
         /operator/<name>, /auditor/<name>"
    )]
    Malformed { uri: String, trust_domain: String },
}

/// Reads the identity and the fingerprint of a certificate whose chain has been verified.
///
/// # Errors
/// When the certificate cannot be read, names several identities, or has a URI that claims our
/// trust domain without having the exact form.
pub fn read(
    cert_der: &[u8],
    trust_domain: &str,
) -> Result<(PeerIdentity, Fingerprint), IdentityError> {
    let uris = spiffe_uris(cert_der)?;
    let identity = match uris.as_slice() {
        [] => PeerIdentity::Unnamed,
        [uri] => of_uri(uri, trust_domain)?,
        _ => return Err(IdentityError::Several { uris }),
    };
    Ok((identity, fingerprint(cert_der)))
}

/// SHA-256 over the DER form, as the registry holds it for a system.
#[must_use]
pub fn fingerprint(cert_der: &[u8]) -> Fingerprint {
    let digest = ring::digest::digest(&ring::digest::SHA256, cert_der);
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest.as_ref());
    fingerprint
}

/// Whether the text may name a hub node, an operator or an auditor: 1 to 63 lower-case letters,
/// digits, dots, hyphens and underscores, with a letter or digit at both ends.
#[must_use]
pub fn is_holder_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = |b: Option<u8>| b.is_some_and(plain);
    text.len() <= 63
        && ends(text.bytes().next())
        && ends(text.bytes().last())
        && text
            .bytes()
            .all(|b| plain(b) || matches!(b, b'.' | b'-' | b'_'))
}

/// In words, for people.
impl fmt::Display for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(id) => write!(f, "system {id}"),
            Self::Hub(node) => write!(f, "hub {node}"),
            Self::Operator(name) => write!(f, "operator {name}"),
            Self::Auditor(name) => write!(f, "auditor {name}"),
            Self::Unnamed => f.write_str("nobody"),
        }
    }
}

impl PeerIdentity {
    /// The URI by which certificates carry this identity; `None` for a nameless one.
    #[must_use]
    pub fn uri(&self, trust_domain: &str) -> Option<String> {
        let path = match self {
            Self::System(id) => format!("member/{}/system/{}", id.member(), id.name()),
            Self::Hub(node) => format!("hub/{node}"),
            Self::Operator(name) => format!("operator/{name}"),
            Self::Auditor(name) => format!("auditor/{name}"),
            Self::Unnamed => return None,
        };
        Some(format!("spiffe://{trust_domain}/{path}"))
    }
}

/// The subject alternative names that are SPIFFE URIs, in whatever case the scheme is written.
/// URIs of other schemes say nothing to the hub.
fn spiffe_uris(cert_der: &[u8]) -> Result<Vec<String>, IdentityError> {
    let unreadable = |problem: String| IdentityError::Unreadable { problem };
    let (rest, certificate) =
        X509Certificate::from_der(cert_der).map_err(|error| unreadable(error.to_string()))?;
    if !rest.is_empty() {
        return Err(unreadable(format!("{} bytes behind its end", rest.len())));
    }
    let names = certificate
        .subject_alternative_name()
        .map_err(|error| unreadable(error.to_string()))?;
    let names = names.iter().flat_map(|names| &names.value.general_names);
    let mut uris = Vec::new();
    for name in names {
        match name {
            GeneralName::URI(uri) if has_prefix_in_any_case(uri, "spiffe:") => {
                uris.push((*uri).to_owned());
            }
            // What cannot be read could be a second name.
            GeneralName::Invalid(tag, _) => {
                let problem = format!("an alternative name of kind {} is malformed", tag.0);
                return Err(unreadable(problem));
            }
            _ => {}
        }
    }
    Ok(uris)
}

fn of_uri(uri: &str, trust_domain: &str) -> Result<PeerIdentity, IdentityError> {
    let malformed = || IdentityError::Malformed {
        uri: uri.chars().take(200).collect(),
        trust_domain: trust_domain.to_owned(),
    };
    let ours = format!("spiffe://{trust_domain}");
    let Some(path) = uri
        .strip_prefix(&ours)
        .and_then(|rest| rest.strip_prefix('/'))
    else {
        return match is_foreign(uri, trust_domain) {
            true => Ok(PeerIdentity::Unnamed),
            false => Err(malformed()),
        };
    };
    let holder = |name: &str| is_holder_name(name).then(|| name.to_owned());
    let segments: Vec<&str> = path.split('/').collect();
    let identity = match segments.as_slice() {
        ["member", member, "system", name] => system(member, name).map(PeerIdentity::System),
        ["hub", node] => holder(node).map(PeerIdentity::Hub),
        ["operator", name] => holder(name).map(PeerIdentity::Operator),
        ["auditor", name] => holder(name).map(PeerIdentity::Auditor),
        _ => None,
    };
    identity.ok_or_else(malformed)
}

fn system(member: &str, name: &str) -> Option<SystemId> {
    let member: MemberCode = member.parse().ok()?;
    format!("{member}/{name}").parse().ok()
}

/// A well-formed authority other than ours. What merely resembles ours (another case, a port,
/// user information) is not foreign but malformed.
fn is_foreign(uri: &str, trust_domain: &str) -> bool {
    let Some(rest) = uri.strip_prefix("spiffe://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    !authority.is_empty()
        && authority != trust_domain
        && authority.bytes().all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_')
        })
}

fn has_prefix_in_any_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: &str = "ndxp.local";

    fn certificate(uris: &[&str]) -> Vec<u8> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        for uri in uris {
            let uri = (*uri).try_into().unwrap();
            params.subject_alt_names.push(rcgen::SanType::URI(uri));
        }
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[track_caller]
    fn check_named(uri: &str, expected: &PeerIdentity) {
        let der = certificate(&[uri]);
        let (identity, found) = read(&der, DOMAIN).unwrap();
        assert_eq!((&identity, found), (expected, fingerprint(&der)), "{uri}");
        assert_eq!(identity.uri(DOMAIN).as_deref(), Some(uri));
    }

    #[test]
    fn each_kind_of_holder_has_one_form() {
        let system = |id: &str| PeerIdentity::System(id.parse().unwrap());
        let rows = [
            (
                "spiffe://ndxp.local/member/H26/system/lgsp",
                system("H26/lgsp"),
            ),
            (
                "spiffe://ndxp.local/member/H26.12/system/a-1",
                system("H26.12/a-1"),
            ),
            (
                "spiffe://ndxp.local/hub/hub-1",
                PeerIdentity::Hub("hub-1".into()),
            ),
            (
                "spiffe://ndxp.local/operator/le.van.a",
                PeerIdentity::Operator("le.van.a".into()),
            ),
            (
                "spiffe://ndxp.local/auditor/a_1",
                PeerIdentity::Auditor("a_1".into()),
            ),
        ];
        for (uri, expected) in rows {
            check_named(uri, &expected);
        }
    }

    #[test]
    fn whoever_claims_our_domain_in_another_form_is_refused() {
        for uri in [
            "spiffe://ndxp.local",
            "spiffe://ndxp.local/",
            "spiffe://ndxp.local/member/H26",
            "spiffe://ndxp.local/member/H26/system/",
            "spiffe://ndxp.local/member/H26/system/lgsp/",
            "spiffe://ndxp.local/member/H26/system/lgsp/x",
            "spiffe://ndxp.local//member/H26/system/lgsp",
            "spiffe://ndxp.local/member/H26//system/lgsp",
            "spiffe://ndxp.local/member/h26/system/lgsp",
            "spiffe://ndxp.local/member/H26/system/LGSP",
            "spiffe://ndxp.local/Member/H26/system/lgsp",
            "spiffe://ndxp.local/member/H26%2F/system/lgsp",
            "spiffe://ndxp.local/member/H26/system/lg%73p",
            "spiffe://ndxp.local/member/../operator/a",
            "spiffe://ndxp.local/member/H26/system/lgsp?x=1",
            "spiffe://ndxp.local/member/H26/system/lgsp#x",
            "spiffe://ndxp.local/operator",
            "spiffe://ndxp.local/operator/",
            "spiffe://ndxp.local/operator/A",
            "spiffe://ndxp.local/operator/a/b",
            "spiffe://ndxp.local/operator/-a",
            "spiffe://ndxp.local/root/a",
            "SPIFFE://ndxp.local/operator/a",
            "spiffe://NDXP.local/operator/a",
            "spiffe://ndxp.local:443/operator/a",
            "spiffe://x@ndxp.local/operator/a",
            "spiffe:///operator/a",
            "spiffe:operator",
        ] {
            let result = read(&certificate(&[uri]), DOMAIN);
            let expected = IdentityError::Malformed {
                uri: uri.to_owned(),
                trust_domain: DOMAIN.to_owned(),
            };
            assert_eq!(result, Err(expected), "{uri}");
        }
    }

    #[test]
    fn what_says_nothing_of_our_domain_is_nameless() {
        let rows: [&[&str]; 5] = [
            &[],
            &["https://ndxp.local/operator/a"],
            &["spiffe://other.example/operator/a"],
            &["spiffe://ndxp.local.evil.example/operator/a"],
            &["https://one.example", "https://two.example"],
        ];
        for uris in rows {
            let (identity, _) = read(&certificate(uris), DOMAIN).unwrap();
            assert_eq!(identity, PeerIdentity::Unnamed, "{uris:?}");
        }
    }

    #[test]
    fn two_names_are_no_name() {
        for second in ["spiffe://ndxp.local/operator/a", "Spiffe://other.example/x"] {
            let uris = ["spiffe://ndxp.local/member/H26/system/lgsp", second];
            let expected = IdentityError::Several {
                uris: uris.map(str::to_owned).to_vec(),
            };
            assert_eq!(read(&certificate(&uris), DOMAIN), Err(expected));
        }
    }

    #[test]
    fn what_is_no_certificate_is_unreadable() {
        let whole = certificate(&["spiffe://ndxp.local/operator/a"]);
        let longer = [whole.as_slice(), &[0]].concat();
        for der in [&[], &whole[..whole.len() - 1], longer.as_slice()] {
            let result = read(der, DOMAIN);
            assert!(
                matches!(result, Err(IdentityError::Unreadable { .. })),
                "{result:?}"
            );
        }
    }
}
