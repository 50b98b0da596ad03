//! What of the registry somebody is to see: everything, or what concerns one member.

use ndxp_proto::registry::v1;
use ndxp_registry::Registry;
use tonic::Status;

use super::super::access::Scope;

/// A member's code whose affairs are listed; none lists all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Concerned(Option<String>);

impl Concerned {
    /// A member sees its own; everybody else what they ask for.
    ///
    /// # Errors
    /// NOT_FOUND for a member that does not stand, PERMISSION_DENIED for another's affairs.
    pub fn new(scope: &Scope, member: &str, registry: &Registry) -> Result<Self, Status> {
        let asked = match member {
            "" => None,
            text => Some(registry.resolve_member(text).ok_or_else(|| {
                Status::not_found(format!(
                    "member: {text:?} is no member's code, nor an alias"
                ))
            })?),
        };
        match (scope, asked) {
            (Scope::Everything, asked) => Ok(Self(asked.map(str::to_owned))),
            (Scope::Own(own), Some(asked)) if asked != own.as_str() => {
                Err(Status::permission_denied(format!(
                    "member: {own} sees its own affairs, not those of {asked}; ask the hub's \
                     operator"
                )))
            }
            (Scope::Own(own), _) => Ok(Self(Some(own.to_string()))),
        }
    }

    pub fn member(&self, member: &v1::Member) -> bool {
        self.0.as_ref().is_none_or(|code| member.code == *code)
    }

    pub fn system(&self, system: &v1::System) -> bool {
        self.runs(&system.id)
    }

    pub fn service(&self, service: &v1::Service) -> bool {
        self.runs(&service.provider)
    }

    pub fn grant(&self, grant: &v1::Grant) -> bool {
        self.runs(&grant.consumer) || self.runs(&grant.provider)
    }

    fn runs(&self, system: &str) -> bool {
        let member = system.split_once('/').map(|(member, _)| member);
        self.0.as_deref().is_none_or(|code| member == Some(code))
    }
}
