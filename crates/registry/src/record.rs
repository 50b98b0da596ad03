//! The items of the registry as domain values. Protobuf becomes domain here, once, and an item
//! that cannot be read says why; whoever holds such an item must deny.

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;
use std::time::Duration;

use ndxp_model::{Connection, GrantId, Instant, MemberCode, ServiceName, SystemId, SystemKind};
use ndxp_proto::registry::v1;

use crate::limits::{
    ALIASES_MAX, ENDPOINTS_MAX, FINGERPRINTS_MAX, MEASURES_MAX, METHODS_MAX, NAME_CHARS_MAX,
    NOTICE_CHARS_MAX, TERMS_CHARS_MAX,
};
use crate::plan::overlap;
use crate::problem::{ItemKind, Place, Problem, shown};
use crate::words;

mod finding;
pub(crate) mod form;

pub(crate) use finding::{Field, Finding, Findings};

/// Something a member runs that calls or serves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SystemRecord {
    pub id: SystemId,
    pub kind: SystemKind,
    /// `host:port`, in the operator's order; empty for a system that only calls.
    pub endpoints: Vec<String>,
    /// SHA-256 of certificates that prove the system beside the URI identity.
    pub fingerprints: Vec<[u8; 32]>,
    /// The system's own state. Its member may be suspended all the same: ask
    /// [`crate::Registry::is_active`].
    pub active: bool,
    pub state: v1::State,
    /// Takes no calls; may call.
    pub disabled: bool,
    pub notice: String,
    pub maintenance: Vec<Window>,
    /// Of all that the system calls.
    pub limits: Limits,
}

/// A half-open time of maintenance.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Window {
    pub from: Instant,
    pub until: Instant,
    pub notice: String,
}

/// How much may be called. What is `None` has no limit here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    pub rate_per_second_max: Option<NonZeroU32>,
    /// `None` means as many as the rate's.
    pub burst_max: Option<NonZeroU32>,
    pub concurrency_max: Option<NonZeroU32>,
    pub message_bytes_max: Option<NonZeroU64>,
    pub metadata_bytes_max: Option<NonZeroU64>,
    pub deadline_max: Option<Duration>,
}

/// A gRPC service that a system offers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceRecord {
    pub provider: SystemId,
    pub name: ServiceName,
    pub disabled: bool,
    pub notice: String,
    pub measures: Vec<String>,
    pub deadline_max: Option<Duration>,
    pub maintenance: Vec<Window>,
    /// Ordered, by the service's descriptors; empty while it has none.
    pub methods: Vec<String>,
}

/// One version of the permission for one consumer system to call one service of one provider
/// system.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GrantRecord {
    pub id: GrantId,
    pub version: u32,
    pub state: v1::GrantState,
    pub connection: Arc<Connection>,
    /// Empty allows all.
    pub methods: Vec<String>,
    pub valid_from: Option<Instant>,
    pub valid_until: Option<Instant>,
    pub rate_per_second_max: Option<NonZeroU32>,
    pub concurrency_max: Option<NonZeroU32>,
    /// The two above and the others.
    pub limits: Limits,
    /// The member that the consumer acts for.
    pub on_behalf_of: Option<MemberCode>,
}

/// What the fold needs of a member.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct MemberRecord {
    pub code: MemberCode,
    pub active: bool,
    pub state: v1::State,
}

/// What the four kinds have in common.
pub(crate) trait Item: Clone + PartialEq {
    type Record;
    const KIND: ItemKind;

    /// Under what it stands; made from the fields as they are, right or wrong.
    fn key(&self) -> String;

    /// Whether every part of the key is given.
    fn is_named(&self) -> bool;

    /// What forbids the item beside another of the same key in one catalogue, told with the
    /// place of the other.
    fn beside(&self, _other: &Self) -> Option<fn(Place) -> Problem> {
        Some(|first| Problem::StandsTwice { first })
    }

    /// # Errors
    /// Everything that is wrong with the item, seen by itself.
    fn read(&self) -> Result<Self::Record, Vec<Finding>>;
}

impl Item for v1::Member {
    type Record = MemberRecord;
    const KIND: ItemKind = ItemKind::Member;

    fn key(&self) -> String {
        self.code.clone()
    }

    fn is_named(&self) -> bool {
        !self.code.is_empty()
    }

    fn read(&self) -> Result<MemberRecord, Vec<Finding>> {
        let mut findings = Findings::default();
        let code = findings.member_code("code", &self.code);
        if self.name_vi.trim().is_empty() {
            let expected = "the member's name in Vietnamese".into();
            findings.add(
                "name_vi",
                shown(&self.name_vi),
                Problem::WrongForm { expected },
            );
        }
        findings.plain_text("name_vi", &self.name_vi, NAME_CHARS_MAX);
        findings.plain_text("name_en", &self.name_en, NAME_CHARS_MAX);
        findings.word("class", &words::CLASSES, self.class);
        let state = findings.state(self.state);
        findings.list("aliases", &self.aliases, ALIASES_MAX, form::ALIAS, |text| {
            form::new_member_code(text).map(|_| text.to_owned())
        });
        if !self.successor.is_empty() {
            let successor = findings.member_code("successor", &self.successor);
            findings.successor(&self.successor, state, successor == code);
        }
        findings.into_result(|| {
            Some(MemberRecord {
                code: code?,
                active: state == v1::State::Active,
                state,
            })
        })
    }
}

impl Item for v1::System {
    type Record = SystemRecord;
    const KIND: ItemKind = ItemKind::System;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn is_named(&self) -> bool {
        !self.id.is_empty()
    }

    fn read(&self) -> Result<SystemRecord, Vec<Finding>> {
        let mut findings = Findings::default();
        let id = findings.system("id", &self.id);
        findings.word("kind", &words::KINDS, self.kind);
        findings.plain_text("name", &self.name, NAME_CHARS_MAX);
        let endpoints = findings.list(
            "endpoints",
            &self.endpoints,
            ENDPOINTS_MAX,
            form::ENDPOINT,
            |text| form::is_endpoint(text).then(|| text.to_owned()),
        );
        let fingerprints = findings.list(
            "fingerprints",
            &self.fingerprints,
            FINGERPRINTS_MAX,
            form::FINGERPRINT,
            form::fingerprint,
        );
        let state = findings.state(self.state);
        findings.plain_text("notice", &self.notice, NOTICE_CHARS_MAX);
        let maintenance = findings.windows(&self.maintenance);
        if !self.successor.is_empty() {
            let successor = findings.system("successor", &self.successor);
            findings.successor(&self.successor, state, successor == id);
        }
        let limits = Limits {
            rate_per_second_max: NonZeroU32::new(self.rate_per_second_max),
            burst_max: findings.burst(self.burst_max, self.rate_per_second_max),
            concurrency_max: NonZeroU32::new(self.concurrency_max),
            message_bytes_max: NonZeroU64::new(self.message_bytes_max),
            metadata_bytes_max: NonZeroU64::new(self.metadata_bytes_max),
            deadline_max: findings.deadline(self.deadline_ms_max),
        };
        findings.into_result(|| {
            Some(SystemRecord {
                id: id?,
                kind: words::system_kind(self.kind)?,
                endpoints,
                fingerprints,
                active: state == v1::State::Active,
                state,
                disabled: self.disabled,
                notice: self.notice.clone(),
                maintenance,
                limits,
            })
        })
    }
}

impl Item for v1::Service {
    type Record = ServiceRecord;
    const KIND: ItemKind = ItemKind::Service;

    fn key(&self) -> String {
        format!("{}/{}", self.provider, self.name)
    }

    fn is_named(&self) -> bool {
        !self.provider.is_empty() && !self.name.is_empty()
    }

    fn read(&self) -> Result<ServiceRecord, Vec<Finding>> {
        let mut findings = Findings::default();
        let provider = findings.system("provider", &self.provider);
        let name = findings.service("name", &self.name);
        findings.plain_text("notice", &self.notice, NOTICE_CHARS_MAX);
        let measures = findings.list(
            "measures",
            &self.measures,
            MEASURES_MAX,
            form::MEASURE,
            |text| form::is_measure(text).then(|| text.to_owned()),
        );
        let deadline_max = findings.deadline(self.deadline_ms_max);
        let maintenance = findings.windows(&self.maintenance);
        findings.into_result(|| {
            Some(ServiceRecord {
                provider: provider?,
                name: name?,
                disabled: self.disabled,
                notice: self.notice.clone(),
                measures,
                deadline_max,
                maintenance,
                methods: self.methods.clone(),
            })
        })
    }
}

impl Item for v1::Grant {
    type Record = GrantRecord;
    const KIND: ItemKind = ItemKind::Grant;

    fn key(&self) -> String {
        format!("{}>{}/{}", self.consumer, self.provider, self.service)
    }

    fn is_named(&self) -> bool {
        !self.consumer.is_empty() && !self.provider.is_empty() && !self.service.is_empty()
    }

    /// Versions stand beside each other while their times do not overlap.
    fn beside(&self, other: &Self) -> Option<fn(Place) -> Problem> {
        let time = |grant: &Self| (grant.valid_from_us, grant.valid_until_us);
        if time(self) == time(other) {
            return Some(|first| Problem::StandsTwice { first });
        }
        overlap(self, other).then_some(|first| Problem::VersionsOverlap { first })
    }

    fn read(&self) -> Result<GrantRecord, Vec<Finding>> {
        let mut findings = Findings::default();
        let consumer = findings.system("consumer", &self.consumer);
        let provider = findings.system("provider", &self.provider);
        let service = findings.service("service", &self.service);
        if consumer.is_some() && consumer == provider {
            let value = shown(&self.provider);
            findings.add("provider", value, Problem::GrantToOneself);
        }
        let expected = self.key();
        if !self.id.is_empty() && self.id != expected {
            let value = shown(&self.id);
            findings.add("id", value, Problem::WrongGrantId { expected });
        }
        let methods = findings.list(
            "methods",
            &self.methods,
            METHODS_MAX,
            form::METHOD,
            |text| form::is_method(text).then(|| text.to_owned()),
        );
        let (valid_from, valid_until) = findings.validity(self);
        findings.plain_text("purpose", &self.purpose, TERMS_CHARS_MAX);
        findings.plain_text("legal_basis", &self.legal_basis, TERMS_CHARS_MAX);
        let on_behalf_of = match self.on_behalf_of.as_str() {
            "" => None,
            code => findings.member_code("on_behalf_of", code),
        };
        let state = findings.grant_state(self.state);
        let limits = Limits {
            rate_per_second_max: NonZeroU32::new(self.rate_per_second_max),
            burst_max: findings.burst(self.burst_max, self.rate_per_second_max),
            concurrency_max: NonZeroU32::new(self.concurrency_max),
            message_bytes_max: NonZeroU64::new(self.message_bytes_max),
            metadata_bytes_max: NonZeroU64::new(self.metadata_bytes_max),
            deadline_max: findings.deadline(self.deadline_ms_max),
        };
        findings.into_result(|| {
            let connection = Connection {
                consumer: consumer?,
                provider: provider?,
                service: service?,
            };
            Some(GrantRecord {
                id: GrantId::of(&connection),
                version: self.version.max(1),
                state: state?,
                connection: Arc::new(connection),
                methods,
                valid_from,
                valid_until,
                rate_per_second_max: limits.rate_per_second_max,
                concurrency_max: limits.concurrency_max,
                limits,
                on_behalf_of,
            })
        })
    }
}
