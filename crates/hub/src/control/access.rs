//! Who may do what on the control port: one table, role by RPC. What has no row is denied, and
//! a test fails when a contract has an RPC that the table does not name.

use std::sync::Arc;

use ndxp_gateway::identity::{Fingerprint, PeerIdentity};
use ndxp_gateway::trust::{CertificateKey, Trust};
use ndxp_model::{MemberCode, Refusal};
use ndxp_registry::{CertificateIdentity, Registry};
use tonic::{Code, Request, Status};

use crate::role::{Actor, Role};

/// Who sits at the other end of a connection, as the certificate proved it.
#[derive(Clone, Debug)]
pub struct ControlPeer {
    pub identity: PeerIdentity,
    pub fingerprint: Fingerprint,
    /// The URI identity, or the fingerprint of a certificate that names nobody: what the journal
    /// records as the actor.
    pub actor: Arc<str>,
    /// By which the certificate's authority may take it back.
    pub certificate: Option<CertificateKey>,
}

/// Who asks, and how much they may see. Put into a request by the check alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asker {
    pub actor: Actor,
    pub scope: Scope,
}

/// Why a call is not let through.
#[derive(Debug)]
pub struct Denied {
    pub status: Status,
    /// Who attempted an administrative act that is not for its role: that is journaled.
    pub attempt: Option<Actor>,
}

/// An administrative act that is not for the role of whoever attempts it. It stands in a request
/// in place of an [`Asker`], and nothing but the refusal can be made of it.
#[derive(Clone, Debug)]
pub struct Refused {
    pub actor: Actor,
    pub status: Status,
}

/// How much somebody sees of transactions, counts and the registry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    Everything,
    /// What this member is a party to.
    Own(MemberCode),
}

/// What one role may do with one RPC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Allowed {
    No,
    Everything,
    /// Limited to what the member is a party to.
    Own,
}

struct Row {
    rpc: &'static str,
    /// An administrative act: a refused attempt at it is journaled, too.
    is_act: bool,
    operator: Allowed,
    auditor: Allowed,
    member: Allowed,
}

const fn row(rpc: &'static str, operator: Allowed, auditor: Allowed, member: Allowed) -> Row {
    Row {
        rpc,
        is_act: false,
        operator,
        auditor,
        member,
    }
}

/// What changes the registry, or what stands beside the counts, which no auditor does. Which of its own affairs a member may
/// change by it is said in `role`.
const fn act(rpc: &'static str, operator: Allowed, member: Allowed) -> Row {
    Row {
        is_act: true,
        ..row(rpc, operator, Allowed::No, member)
    }
}

use Allowed::{Everything as All, No, Own};

#[rustfmt::skip]
const TABLE: [Row; 33] = [
    //                                                                operator auditor member
    act("/ndxp.registry.v1.RegistryService/Apply",                       All,       No),
    act("/ndxp.registry.v1.RegistryService/Propose",                     All,       No),
    act("/ndxp.registry.v1.RegistryService/Transition",                  All,       No),
    act("/ndxp.registry.v1.RegistryService/RequestAccess",               All,       Own),
    act("/ndxp.registry.v1.RegistryService/DecideAccess",                All,       Own),
    act("/ndxp.registry.v1.RegistryService/RevokeAccess",                All,       Own),
    act("/ndxp.registry.v1.RegistryService/SetAvailability",             All,       No),
    act("/ndxp.registry.v1.RegistryService/SetMaintenance",              All,       No),
    act("/ndxp.registry.v1.RegistryService/PutDescriptors",              All,       Own),
    row("/ndxp.registry.v1.RegistryService/GetDescriptors",              All,  All, All),
    row("/ndxp.registry.v1.RegistryService/Export",                      All,  All, No),
    row("/ndxp.registry.v1.RegistryService/GetCoverage",                 All,  All, No),
    row("/ndxp.registry.v1.RegistryService/ListAudit",                   All,  All, No),
    row("/ndxp.registry.v1.RegistryService/ListMembers",                 All,  All, Own),
    row("/ndxp.registry.v1.RegistryService/ListSystems",                 All,  All, Own),
    row("/ndxp.registry.v1.RegistryService/ListServices",                All,  All, Own),
    row("/ndxp.registry.v1.RegistryService/ListGrants",                  All,  All, Own),
    row("/ndxp.journal.v1.JournalService/GetTransaction",                All,  All, Own),
    row("/ndxp.journal.v1.JournalService/ListTransactions",              All,  All, Own),
    row("/ndxp.journal.v1.JournalService/WatchTransactions",             All,  All, Own),
    row("/ndxp.journal.v1.JournalService/ReadEntries",                   All,  All, No),
    row("/ndxp.journal.v1.JournalService/GetPosition",                   All,  All, All),
    row("/ndxp.statistics.v1.StatisticsService/Count",                   All,  All, Own),
    row("/ndxp.statistics.v1.StatisticsService/WatchCounts",             All,  All, Own),
    row("/ndxp.statistics.v1.StatisticsService/GetFigures",              All,  All, No),
    row("/ndxp.statistics.v1.StatisticsService/GetReport",               All,  All, No),
    row("/ndxp.statistics.v1.StatisticsService/DumpCounters",            All,  All, No),
    act("/ndxp.statistics.v1.StatisticsService/ImportBaseline",          All,       No),
    row("/ndxp.statistics.v1.StatisticsService/ListBaselines",           All,  All, No),
    row("/grpc.health.v1.Health/Check",                                  All,  All, All),
    row("/grpc.health.v1.Health/Watch",                                  All,  All, All),
    row("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",     All,  All, All),
    row("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", All, All, All),
];

/// The check: who asks, whether they may, and how much they see.
///
/// # Errors
/// UNAUTHENTICATED for a certificate that the registry does not know, PERMISSION_DENIED for what
/// the table does not allow.
pub fn check(peer: &ControlPeer, registry: &Registry, rpc: &str) -> Result<Asker, Denied> {
    let role = role(peer, registry).map_err(|status| Denied {
        status,
        attempt: None,
    })?;
    let row = TABLE.iter().find(|row| row.rpc == rpc);
    let actor = Actor {
        identity: Arc::clone(&peer.actor),
        role,
    };
    let scope = match (row.map_or(No, |row| row.allows(&actor.role)), &actor.role) {
        (Allowed::Everything, _) => Scope::Everything,
        (Allowed::Own, Role::Member(member)) => Scope::Own(member.clone()),
        (Allowed::Own | Allowed::No, _) => {
            return Err(Denied {
                status: denied(&actor.role, rpc),
                attempt: row.is_some_and(|row| row.is_act).then_some(actor),
            });
        }
    };
    Ok(Asker { actor, scope })
}

/// A connection outlives the handshake that let it in, so its certificate is asked about at
/// every call.
///
/// # Errors
/// UNAUTHENTICATED for one that was revoked since.
pub fn check_certificate(peer: &ControlPeer, trust: &Trust) -> Result<(), Status> {
    let revoked = |key: &CertificateKey| trust.revokes(key);
    match peer.certificate.as_ref().is_some_and(revoked) {
        false => Ok(()),
        true => Err(Status::unauthenticated(
            "the certificate was revoked by its authority; show another one",
        )),
    }
}

/// Who asks, as the check put it into the request.
///
/// # Errors
/// When no check was passed, which is a fault of the hub: nothing is answered then.
pub fn asker<T>(request: &Request<T>) -> Result<Asker, Status> {
    request
        .extensions()
        .get::<Asker>()
        .cloned()
        .ok_or_else(|| Status::internal("the request came past the check of roles"))
}

impl Row {
    fn allows(&self, role: &Role) -> Allowed {
        match role {
            Role::Operator => self.operator,
            Role::Auditor => self.auditor,
            Role::Member(_) => self.member,
        }
    }
}

impl Scope {
    /// Whether a connection between these systems may be seen.
    #[must_use]
    pub fn covers(&self, consumer: &str, provider: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Own(member) => {
                let own = ndxp_model::Party::Member(member.clone());
                own.covers(consumer) || own.covers(provider)
            }
        }
    }
}

/// Asked of the registry at every call, so that a suspension reaches open connections.
fn role(peer: &ControlPeer, registry: &Registry) -> Result<Role, Status> {
    let system = match &peer.identity {
        PeerIdentity::Operator(_) => return Ok(Role::Operator),
        PeerIdentity::Auditor(_) => return Ok(Role::Auditor),
        PeerIdentity::Hub(_) => {
            return Err(Status::unauthenticated(
                "a hub's certificate has no role on the control port; show an operator's, an \
                 auditor's or a system's",
            ));
        }
        PeerIdentity::System(system) => Some(system.clone()),
        PeerIdentity::Unnamed => None,
    };
    let identity = CertificateIdentity {
        system,
        fingerprint: peer.fingerprint,
    };
    let system = registry
        .identify(&identity)
        .map_err(|refusal| status_of(&refusal))?;
    Ok(Role::Member(system.id.member()))
}

fn denied(role: &Role, rpc: &str) -> Status {
    let who = match role {
        Role::Operator => "an operator",
        Role::Auditor => "an auditor",
        Role::Member(_) => "a member",
    };
    let rpc = rpc.chars().take(200).collect::<String>();
    Status::permission_denied(format!(
        "{who} may not call {rpc}; ask the hub's operator, who can do it or issue a certificate \
         with the role it takes"
    ))
}

fn status_of(refusal: &Refusal) -> Status {
    let meaning = refusal.reason.meaning();
    let text = format!("{}: {}; {}", meaning.name, refusal.detail, meaning.remedy);
    Status::new(Code::from_i32(i32::from(meaning.status)), text)
}

#[cfg(test)]
mod tests;
