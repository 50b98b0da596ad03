//! What of a registry that is read offline concerns one member, as a hub chooses it with
//! `ListRequest.member`: the member, its systems, their services, and grants to and from them.

use ndxp_model::{MemberCode, Party};
use ndxp_proto::registry::v1::{Grant, Member, Service, System};
use ndxp_registry::Registry;

use crate::failure::{Exit, Failure};

/// `None` is concerned with everything.
#[derive(Debug)]
pub struct Concern(Option<Party>);

impl Concern {
    /// Of the member that this code, or an old form of it, names; of everybody for an empty one.
    pub fn of(registry: &Registry, member: &str) -> Result<Self, Failure> {
        if member.is_empty() {
            return Ok(Self(None));
        }
        let code = registry.resolve_member(member).ok_or_else(|| {
            Failure::new(Exit::Negative, format_args!("there is no member {member}"))
                .remedy("see `ndxp get members` for codes and their old forms")
        })?;
        Ok(Self(Some(Party::Member(code.parse::<MemberCode>()?))))
    }

    fn covers(&self, system: &str) -> bool {
        self.0.as_ref().is_none_or(|party| party.covers(system))
    }

    pub fn members(&self, mut members: Vec<Member>) -> Vec<Member> {
        if let Some(Party::Member(own)) = &self.0 {
            members.retain(|member| member.code == own.as_str());
        }
        members
    }

    pub fn systems(&self, mut systems: Vec<System>) -> Vec<System> {
        systems.retain(|system| self.covers(&system.id));
        systems
    }

    pub fn services(&self, mut services: Vec<Service>) -> Vec<Service> {
        services.retain(|service| self.covers(&service.provider));
        services
    }

    pub fn grants(&self, mut grants: Vec<Grant>) -> Vec<Grant> {
        grants.retain(|grant| self.covers(&grant.consumer) || self.covers(&grant.provider));
        grants
    }
}
