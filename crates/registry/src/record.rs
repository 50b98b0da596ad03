//! The items of the registry as domain values. Protobuf becomes domain here, once, and an item
//! that cannot be read says why; whoever holds such an item must deny.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use ndxp_model::{Connection, GrantId, Instant, MemberCode, ServiceName, SystemId, SystemKind};
use ndxp_proto::registry::v1;

use crate::limits::{
    DEADLINE_MS_MAX, ENDPOINTS_MAX, FINGERPRINTS_MAX, MEASURES_MAX, METHODS_MAX, NAME_CHARS_MAX,
    NOTICE_CHARS_MAX,
};
use crate::problem::{ItemKind, Problem, shown};
use crate::words;

mod finding;
mod form;

use finding::Findings;
pub(crate) use finding::{Field, Finding};

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
}

/// Permission for one consumer system to call one service of one provider system.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GrantRecord {
    pub id: GrantId,
    pub connection: Arc<Connection>,
    /// Empty allows all.
    pub methods: Vec<String>,
    pub valid_from: Option<Instant>,
    pub valid_until: Option<Instant>,
    pub rate_per_second_max: Option<NonZeroU32>,
    pub concurrency_max: Option<NonZeroU32>,
}

/// What the fold needs of a member.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct MemberRecord {
    pub code: MemberCode,
    pub active: bool,
}

/// What the four kinds have in common.
pub(crate) trait Item: Clone + PartialEq {
    type Record;
    const KIND: ItemKind;

    /// Under what it stands; made from the fields as they are, right or wrong.
    fn key(&self) -> String;

    /// Whether every part of the key is given.
    fn is_named(&self) -> bool;

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
        let active = findings.active(self.state);
        findings.into_result(|| {
            Some(MemberRecord {
                code: code?,
                active,
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
        let active = findings.active(self.state);
        findings.into_result(|| {
            Some(SystemRecord {
                id: id?,
                kind: words::system_kind(self.kind)?,
                endpoints,
                fingerprints,
                active,
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
        if self.deadline_ms_max > DEADLINE_MS_MAX {
            let max = DEADLINE_MS_MAX;
            let value = self.deadline_ms_max.to_string();
            findings.add("deadline_ms_max", value, Problem::TooHigh { max });
        }
        findings.into_result(|| {
            Some(ServiceRecord {
                provider: provider?,
                name: name?,
                disabled: self.disabled,
                notice: self.notice.clone(),
                measures,
                deadline_max: (self.deadline_ms_max > 0)
                    .then(|| Duration::from_millis(self.deadline_ms_max)),
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
        findings.into_result(|| {
            let connection = Connection {
                consumer: consumer?,
                provider: provider?,
                service: service?,
            };
            Some(GrantRecord {
                id: GrantId::of(&connection),
                connection: Arc::new(connection),
                methods,
                valid_from,
                valid_until,
                rate_per_second_max: NonZeroU32::new(self.rate_per_second_max),
                concurrency_max: NonZeroU32::new(self.concurrency_max),
            })
        })
    }
}
