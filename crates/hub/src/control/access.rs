//! Who may do what on the control port: one table, role by RPC. What has no row is denied, and
//! a test fails when a contract has an RPC that the table does not name.

use std::sync::Arc;

use ndxp_gateway::identity::{Fingerprint, PeerIdentity};
use ndxp_model::{MemberCode, Refusal};
use ndxp_registry::{CertificateIdentity, Registry};
use tonic::{Code, Request, Status};

/// Who sits at the other end of a connection, as the certificate proved it.
#[derive(Clone, Debug)]
pub struct ControlPeer {
    pub identity: PeerIdentity,
    pub fingerprint: Fingerprint,
    /// The URI identity, or the fingerprint of a certificate that names nobody: what the journal
    /// records as the actor.
    pub actor: Arc<str>,
}

/// Who asks, and how much they may see. Put into a request by the check alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asker {
    pub actor: Arc<str>,
    pub scope: Scope,
}

/// How much of transactions and counts somebody sees.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    Everything,
    /// What this member is a party to.
    Own(MemberCode),
}

/// What a certificate makes its holder on the control port.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Role {
    Operator,
    Auditor,
    /// A registered, active system, speaking for its member.
    Member(MemberCode),
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
    operator: Allowed,
    auditor: Allowed,
    member: Allowed,
}

const fn row(rpc: &'static str, operator: Allowed, auditor: Allowed, member: Allowed) -> Row {
    Row {
        rpc,
        operator,
        auditor,
        member,
    }
}

use Allowed::{Everything as All, No, Own};

#[rustfmt::skip]
const TABLE: [Row; 18] = [
    //                                                                operator auditor member
    row("/ndxp.registry.v1.RegistryService/Apply",                       All,  No,  No),
    row("/ndxp.registry.v1.RegistryService/ListMembers",                 All,  All, All),
    row("/ndxp.registry.v1.RegistryService/ListSystems",                 All,  All, All),
    row("/ndxp.registry.v1.RegistryService/ListServices",                All,  All, All),
    row("/ndxp.registry.v1.RegistryService/ListGrants",                  All,  All, All),
    row("/ndxp.journal.v1.JournalService/GetTransaction",                All,  All, Own),
    row("/ndxp.journal.v1.JournalService/ListTransactions",              All,  All, Own),
    row("/ndxp.journal.v1.JournalService/WatchTransactions",             All,  All, Own),
    row("/ndxp.journal.v1.JournalService/ReadEntries",                   All,  All, No),
    row("/ndxp.journal.v1.JournalService/GetPosition",                   All,  All, All),
    row("/ndxp.statistics.v1.StatisticsService/Count",                   All,  All, Own),
    row("/ndxp.statistics.v1.StatisticsService/WatchCounts",             All,  All, Own),
    row("/ndxp.statistics.v1.StatisticsService/GetFigures",              All,  All, No),
    row("/ndxp.statistics.v1.StatisticsService/DumpCounters",            All,  All, No),
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
pub fn check(peer: &ControlPeer, registry: &Registry, rpc: &str) -> Result<Asker, Status> {
    let role = role(peer, registry)?;
    let row = TABLE.iter().find(|row| row.rpc == rpc);
    let scope = match row.map_or(No, |row| row.allows(&role)) {
        Allowed::Everything => Scope::Everything,
        Allowed::Own => match role {
            Role::Member(member) => Scope::Own(member),
            Role::Operator | Role::Auditor => return Err(denied(&role, rpc)),
        },
        Allowed::No => return Err(denied(&role, rpc)),
    };
    Ok(Asker {
        actor: Arc::clone(&peer.actor),
        scope,
    })
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
