//! As what somebody acts, and which acts a member may do for its own. Pure; whether a role may
//! call an RPC at all is the table's (`control/access`).

use std::fmt;
use std::sync::Arc;

use ndxp_model::MemberCode;
use ndxp_registry::Act;

/// What a certificate makes its holder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Role {
    Operator,
    Auditor,
    /// A registered, active system, speaking for its member.
    Member(MemberCode),
}

/// Who acts, as the journal records it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Actor {
    /// The URI identity, or the fingerprint of a certificate that names nobody.
    pub identity: Arc<str>,
    pub role: Role,
}

/// As entries of the journal say it.
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Auditor => f.write_str("auditor"),
            Self::Member(code) => write!(f, "member {code}"),
        }
    }
}

impl Role {
    /// Whether the act is the role's own affair: a member asks for its own systems, decides
    /// about its own services, and ends what it is a side of.
    ///
    /// # Errors
    /// Why not, with the remedy.
    pub fn check_own(&self, act: &Act) -> Result<(), String> {
        let code = match self {
            Self::Operator => return Ok(()),
            Self::Auditor => return Err("an auditor changes nothing".to_owned()),
            Self::Member(code) => code.as_str(),
        };
        let (own, whose) = match act {
            Act::RequestAccess(request) => {
                let consumer = request.grant.as_ref().map(|grant| grant.consumer.as_str());
                (runs(code, consumer), "the consumer")
            }
            Act::DecideAccess(request) => {
                let (_, provider) = sides(&request.id);
                (runs(code, provider), "the provider")
            }
            Act::RevokeAccess(request) => {
                let (consumer, provider) = sides(&request.id);
                let own = runs(code, consumer) || runs(code, provider);
                (own, "the consumer or the provider")
            }
            Act::PutDescriptors(request) => {
                let provider = request.descriptors.as_ref().map(|it| it.provider.as_str());
                (runs(code, provider), "the provider")
            }
            Act::Apply(_)
            | Act::Propose(_)
            | Act::Transition(_)
            | Act::SetAvailability(_)
            | Act::SetMaintenance(_) => (false, "the operator"),
        };
        match own {
            true => Ok(()),
            false => Err(format!(
                "member {code} may not do that: it is for {whose}; ask with a certificate of \
                 theirs, or ask the hub's operator"
            )),
        }
    }
}

/// Whether a member runs the system.
fn runs(code: &str, system: Option<&str>) -> bool {
    let member = system.and_then(|system| system.split_once('/'));
    member.is_some_and(|(member, _)| member == code)
}

/// Consumer and provider of a grant's id, `consumer>provider/service`.
fn sides(id: &str) -> (Option<&str>, Option<&str>) {
    let Some((consumer, offer)) = id.split_once('>') else {
        return (None, None);
    };
    let provider = offer.rsplit_once('/').map(|(provider, _)| provider);
    (Some(consumer), provider)
}

#[cfg(test)]
mod tests {
    use ndxp_proto::registry::v1;

    use super::*;

    const GRANT: &str = "H26/lgsp>G01/population/a.Verify";

    fn request(consumer: &str) -> Act {
        let grant = v1::Grant {
            consumer: consumer.to_owned(),
            provider: "G01/population".to_owned(),
            ..Default::default()
        };
        Act::RequestAccess(v1::RequestAccessRequest {
            grant: Some(grant),
            ..Default::default()
        })
    }

    fn decide(id: &str) -> Act {
        Act::DecideAccess(v1::DecideAccessRequest {
            id: id.to_owned(),
            ..Default::default()
        })
    }

    fn revoke(id: &str) -> Act {
        Act::RevokeAccess(v1::RevokeAccessRequest {
            id: id.to_owned(),
            ..Default::default()
        })
    }

    fn descriptors(provider: &str) -> Act {
        let descriptors = v1::Descriptors {
            provider: provider.to_owned(),
            ..Default::default()
        };
        Act::PutDescriptors(v1::PutDescriptorsRequest {
            descriptors: Some(descriptors),
            ..Default::default()
        })
    }

    #[test]
    fn a_member_acts_for_its_own_and_nobody_elses() {
        // Act, and which of the members H26, G01 and H2 may do it.
        let rows = [
            (request("H26/lgsp"), [true, false, false]),
            (request("H26.12/lgsp"), [false; 3]),
            (request(""), [false; 3]),
            (decide(GRANT), [false, true, false]),
            (revoke(GRANT), [true, true, false]),
            (descriptors("G01/population"), [false, true, false]),
            (decide("H26/lgsp"), [false; 3]),
            (revoke(""), [false; 3]),
            (revoke("H26>G01"), [false; 3]),
            (Act::Apply(v1::ApplyRequest::default()), [false; 3]),
            (Act::Propose(v1::ProposeRequest::default()), [false; 3]),
            (
                Act::Transition(v1::TransitionRequest::default()),
                [false; 3],
            ),
            (
                Act::SetAvailability(v1::SetAvailabilityRequest::default()),
                [false; 3],
            ),
            (
                Act::SetMaintenance(v1::SetMaintenanceRequest::default()),
                [false; 3],
            ),
        ];
        for (act, expected) in rows {
            let members = ["H26", "G01", "H27"].map(|code| Role::Member(code.parse().unwrap()));
            let found = members.map(|role| role.check_own(&act).is_ok());
            assert_eq!(found, expected, "{act:?}");
            assert_eq!(Role::Operator.check_own(&act), Ok(()));
            assert!(Role::Auditor.check_own(&act).is_err());
        }
    }

    #[test]
    fn a_refusal_says_whose_the_act_is() {
        let role = Role::Member("H26".parse().unwrap());
        let text = role.check_own(&decide(GRANT)).unwrap_err();
        assert!(text.contains("it is for the provider"), "{text}");
    }
}
