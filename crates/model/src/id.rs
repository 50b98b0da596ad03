//! Who and what: members, systems, services, grants, connections and transactions.

use std::fmt;
use std::str::FromStr;

use crate::Instant;
use crate::text::{InvalidValue, name_type};

name_type!(
    /// An organisation's electronic identifier by Decision 20/2020/QĐ-TTg, such as `H26.12`.
    MemberCode,
    "member code",
    "a letter, two digits, then groups like `.12`, such as H26 or H26.12; at most 35 characters",
    is_member_code
);

name_type!(
    /// Something a member runs: `H26/lgsp`. Displayed, sent and compared in that one form.
    SystemId,
    "system",
    "a member code, a stroke and a name of lower-case letters, digits and hyphens, such as H26/lgsp",
    |text| text.split_once('/').is_some_and(|(member, name)| {
        is_member_code(member) && is_system_name(name)
    })
);

name_type!(
    /// Full name of a gRPC service: `ndxp.example.population.v1.PopulationService`.
    ServiceName,
    "service",
    "dotted identifiers, such as vn.gov.population.v1.PopulationService; at most 255 characters",
    |text| text.len() <= 255 && text.split('.').all(is_identifier)
);

name_type!(
    /// The registry's own name for a grant: `consumer>provider/service`.
    GrantId,
    "grant",
    "consumer>provider/service, such as H26/lgsp>G01/population/vn.gov.population.v1.Population",
    |text| text.split_once('>').is_some_and(|(consumer, rest)| {
        consumer.parse::<SystemId>().is_ok()
            && rest.rsplit_once('/').is_some_and(|(provider, service)| {
                provider.parse::<SystemId>().is_ok() && service.parse::<ServiceName>().is_ok()
            })
    })
);

impl SystemId {
    /// The member that runs the system.
    #[must_use]
    pub fn member(&self) -> MemberCode {
        let member = self
            .0
            .split_once('/')
            .map_or(&*self.0, |(member, _)| member);
        MemberCode(member.into())
    }

    /// The system's name within its member.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

impl GrantId {
    #[must_use]
    pub fn of(connection: &Connection) -> Self {
        Self(connection.to_string().into())
    }
}

/// A member, or one of its systems: how filters name a party.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Party {
    Member(MemberCode),
    System(SystemId),
}

impl Party {
    /// Whether the system is this party or belongs to it.
    #[must_use]
    pub fn covers(&self, system: &str) -> bool {
        match self {
            Self::System(id) => id.as_str() == system,
            Self::Member(code) => system
                .split_once('/')
                .is_some_and(|(member, _)| member == code.as_str()),
        }
    }
}

impl FromStr for Party {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('/') {
            text.parse().map(Self::System)
        } else {
            text.parse().map(Self::Member)
        }
    }
}

/// Consumer system → provider system, service: what counters are kept per.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Connection {
    pub consumer: SystemId,
    pub provider: SystemId,
    pub service: ServiceName,
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}>{}/{}", self.consumer, self.provider, self.service)
    }
}

/// What a system is, as reports classify it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SystemKind {
    Lgsp,
    Database,
    InformationSystem,
}

impl SystemKind {
    pub const ALL: [Self; 3] = [Self::Lgsp, Self::Database, Self::InformationSystem];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lgsp => "lgsp",
            Self::Database => "database",
            Self::InformationSystem => "information_system",
        }
    }
}

impl fmt::Display for SystemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SystemKind {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = "lgsp, database or information_system";
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| InvalidValue::new("kind", text, wanted))
    }
}

/// What an organisation is, as reports classify it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum MemberClass {
    Province,
    Ministry,
    Agency,
    Enterprise,
}

impl MemberClass {
    pub const ALL: [Self; 4] = [
        Self::Province,
        Self::Ministry,
        Self::Agency,
        Self::Enterprise,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Province => "province",
            Self::Ministry => "ministry",
            Self::Agency => "agency",
            Self::Enterprise => "enterprise",
        }
    }
}

impl fmt::Display for MemberClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for MemberClass {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = "province, ministry, agency or enterprise";
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| InvalidValue::new("class", text, wanted))
    }
}

/// A transaction's name: a UUIDv7 made by the hub, so that it tells when the call entered.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TransactionId(uuid::Uuid);

impl TransactionId {
    /// Puts the time and 74 of the random bits together by RFC 9562, section 5.7.
    #[must_use]
    pub fn new(at: Instant, random: u128) -> Self {
        let milliseconds = u64::try_from(at.as_micros() / 1_000).unwrap_or(0);
        let [_, _, _, _, _, _, random @ ..] = random.to_be_bytes();
        Self(uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid())
    }

    /// The instant the id was made, to the millisecond below.
    #[must_use]
    pub fn made_at(self) -> Instant {
        let milliseconds = (self.0.as_u128() >> 80) as i64;
        Instant::from_micros(milliseconds.saturating_mul(1_000))
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// # Errors
    /// When the bytes are not 16 of a UUIDv7.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, InvalidValue> {
        let shown = || {
            bytes
                .iter()
                .take(20)
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        uuid::Uuid::from_slice(bytes)
            .ok()
            .filter(|id| id.get_version_num() == 7)
            .map(Self)
            .ok_or_else(|| InvalidValue::new("transaction id", &shown(), Self::FORM))
    }

    /// As [`fmt::Display`] writes it.
    pub fn text<'a>(&self, buffer: &'a mut [u8; 36]) -> &'a str {
        self.0.hyphenated().encode_lower(buffer)
    }

    const FORM: &str = "a UUIDv7 such as 01890a5d-ac96-774b-bcce-b302099a8057";
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for TransactionId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        uuid::Uuid::try_parse(text)
            .ok()
            .filter(|id| id.get_version_num() == 7)
            .map(Self)
            .ok_or_else(|| InvalidValue::new("transaction id", text, Self::FORM))
    }
}

fn is_member_code(text: &str) -> bool {
    let mut groups = text.split('.');
    let head = groups.next().unwrap_or_default().as_bytes();
    text.len() <= 35
        && matches!(head, [b'A'..=b'Z', b'0'..=b'9', b'0'..=b'9'])
        && groups.all(|group| {
            !group.is_empty()
                && group
                    .bytes()
                    .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        })
}

fn is_system_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// An identifier by the protobuf language: what services, packages and methods are made of.
fn is_identifier(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: FromStr + fmt::Display>(accepted: &[&str], refused: &[&str]) {
        for text in accepted {
            let value = text
                .parse::<T>()
                .ok()
                .unwrap_or_else(|| panic!("refused {text:?}"));
            assert_eq!(value.to_string(), *text, "Display is the wire form");
        }
        for text in refused {
            assert!(text.parse::<T>().is_err(), "accepted {text:?}");
        }
    }

    #[test]
    fn a_member_code_has_the_form_of_decision_20_2020() {
        check::<MemberCode>(
            &[
                "H26",
                "G01",
                "H26.12",
                "A00.1Z.B",
                &format!("H26.{}", "1".repeat(31)),
            ],
            &[
                "",
                "h26",
                "H2",
                "H264",
                "H26.",
                "H26..1",
                "H26.a",
                "000.00.00.H53",
                " H26",
                &format!("H26.{}", "1".repeat(32)),
            ],
        );
    }

    #[test]
    fn a_system_is_a_member_and_a_lower_case_name() {
        check::<SystemId>(
            &["H26/lgsp", "G15/civil-status", "H26.12/a1"],
            &[
                "", "H26", "H26/", "/lgsp", "H26/LGSP", "H26/a/b", "H26/-a", "H26/a-", "H26/a_b",
            ],
        );
    }

    #[test]
    fn a_service_is_dotted_identifiers() {
        check::<ServiceName>(
            &["Echo", "a.b.C", "_x.y1"],
            &[
                "",
                ".",
                "a.",
                ".a",
                "a..b",
                "a/b",
                "1a",
                "a-b",
                "a.b c",
                &"a".repeat(256),
            ],
        );
    }

    #[test]
    fn a_transaction_id_tells_when_it_was_made() {
        let at = Instant::from_micros(1_658_448_000_123_456);
        let id = TransactionId::new(at, u128::MAX);
        assert_eq!(id.made_at(), Instant::from_micros(1_658_448_000_123_000));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(TransactionId::from_slice(id.as_bytes()), Ok(id));
        check::<TransactionId>(&[], &["", "x", "550e8400-e29b-41d4-a716-446655440000"]);
    }

    #[test]
    fn a_party_covers_its_own_systems_only() {
        let rows = [
            ("H26", "H26/lgsp", true),
            ("H26", "H26.12/lgsp", false),
            ("H26/lgsp", "H26/lgsp", true),
            ("H26/lgsp", "H26/lgsp2", false),
        ];
        for (party, system, covers) in rows {
            assert_eq!(
                party.parse::<Party>().unwrap().covers(system),
                covers,
                "{party} {system}"
            );
        }
    }
}
