//! The test's own authority, which gives every participant its certificate.

use ndxp_model::SystemId;
use ndxp_sim::{Authorities, Credentials, CredentialsError, Identity};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType,
};

pub const TRUST_DOMAIN: &str = "ndxp.test";
/// The name that every certificate carries beside its URI identity.
pub const SERVER_NAME: &str = "participant.ndxp.test";

pub struct Issuer(CertifiedIssuer<'static, KeyPair>);

impl Issuer {
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    pub fn authorities(&self) -> Authorities {
        Authorities {
            pem: self.0.pem(),
            trust_domain: TRUST_DOMAIN.to_owned(),
        }
    }

    pub fn hub(&self) -> Identity {
        self.issue("hub/node-1")
    }

    fn issue(&self, path: &str) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([SERVER_NAME.to_owned()]).expect("a name");
        let uri = format!("spiffe://{TRUST_DOMAIN}/{path}");
        params
            .subject_alt_names
            .push(SanType::URI(uri.try_into().expect("an ASCII URI")));
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Identity {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }
}

impl Credentials for Issuer {
    fn identity(&self, system: &SystemId) -> Result<Identity, CredentialsError> {
        let (member, name) = (system.member(), system.name());
        Ok(self.issue(&format!("member/{member}/system/{name}")))
    }
}
