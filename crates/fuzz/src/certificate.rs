//! Whom a certificate names: any bytes as DER, and any URIs in a certificate that is otherwise
//! sound, so that the reading of names is reached without guessing DER.

use ndxp_gateway::identity::{self, PeerIdentity, fingerprint};

const TRUST_DOMAIN: &str = "ndxp.local";
const SCHEME: &str = "spiffe:";

/// A name is given only by the one SPIFFE URI that says it, byte for byte.
pub fn identity(data: &[u8]) {
    check(data);
    let uris: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let Some(named) = check(&certificate(&uris)) else {
        return;
    };
    let claims = |uri: &&&[u8]| {
        let head = uri.get(..SCHEME.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(SCHEME.as_bytes()))
    };
    let claiming: Vec<&[u8]> = uris.iter().filter(claims).copied().collect();
    match named.uri(TRUST_DOMAIN) {
        Some(uri) => assert_eq!(claiming, [uri.as_bytes()]),
        None => {
            let ours = format!("spiffe://{TRUST_DOMAIN}/");
            let ours = |uri: &&[u8]| uri.starts_with(ours.as_bytes());
            assert!(!claiming.iter().any(ours), "{named:?} of {claiming:?}");
        }
    }
}

fn check(der: &[u8]) -> Option<PeerIdentity> {
    match identity::read(der, TRUST_DOMAIN) {
        Ok((named, found)) => {
            assert_eq!(found, fingerprint(der));
            Some(named)
        }
        Err(error) => {
            // It repeats every URI, and a certificate is as long as TLS lets it be.
            assert!(error.to_string().len() <= 1_000 + 4 * der.len());
            None
        }
    }
}

// X.509, as far as a reader asks that does not verify.
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const URI: u8 = 0x86;

/// ecdsa-with-SHA256.
const ALGORITHM: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// subjectAltName.
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];

fn certificate(uris: &[&[u8]]) -> Vec<u8> {
    let algorithm = item(SEQUENCE, &[&item(OBJECT, &[ALGORITHM])]);
    let time = item(UTC_TIME, &[b"220722000000Z"]);
    let key = item(SEQUENCE, &[&algorithm, &item(BIT_STRING, &[&[0, 4]])]);
    let names: Vec<u8> = uris.iter().flat_map(|uri| item(URI, &[uri])).collect();
    let names = item(OCTET_STRING, &[&item(SEQUENCE, &[&names])]);
    let extension = item(SEQUENCE, &[&item(OBJECT, &[ALTERNATIVE_NAME]), &names]);
    let signed = item(
        SEQUENCE,
        &[
            &item(VERSION, &[&item(INTEGER, &[&[2]])]),
            &item(INTEGER, &[&[1]]),
            &algorithm,
            &item(SEQUENCE, &[]),
            &item(SEQUENCE, &[&time, &time]),
            &item(SEQUENCE, &[]),
            &key,
            &item(EXTENSIONS, &[&item(SEQUENCE, &[&extension])]),
        ],
    );
    let signature = item(BIT_STRING, &[&[0, 0]]);
    item(SEQUENCE, &[&signed, &algorithm, &signature])
}

/// Tag, length, contents.
fn item(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let mut item = vec![tag];
    match u8::try_from(contents.len()) {
        Ok(short) if short < 0x80 => item.push(short),
        _ => {
            let length = u32::try_from(contents.len()).expect("inputs are small");
            item.push(0x84);
            item.extend(length.to_be_bytes());
        }
    }
    item.extend(contents);
    item
}
