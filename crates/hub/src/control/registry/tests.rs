//! The registry's RPCs as their callers find them: whose acts take effect, what is told of them.

use ndxp_proto::registry::v1::registry_service_client::RegistryServiceClient;
use prost::Message as _;
use prost_types::{
    DescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
    ServiceDescriptorProto,
};
use rustls_pki_types::pem::PemObject as _;
use tonic::Code;
use tonic::transport::Channel;

use super::super::fixture::{BEGIN, House, members};
use super::*;

const GRANT: &str = "H26/lgsp>G01/lgsp/a.B";

type Client = RegistryServiceClient<Channel>;

/// H26, H27 and G01 with a system `lgsp` each; that of G01 offers `a.B`.
async fn house() -> House {
    let house = House::new().await;
    let mut catalogue = members(&["H26", "H27", "G01"]);
    catalogue.services.push(v1::Service {
        provider: "G01/lgsp".to_owned(),
        name: "a.B".to_owned(),
        ..Default::default()
    });
    house.applied(catalogue).await;
    house
}

async fn member(house: &House, code: &str) -> Client {
    house.registry(&house.system(&format!("{code}/lgsp"))).await
}

fn request(consumer: &str) -> v1::RequestAccessRequest {
    let grant = v1::Grant {
        consumer: consumer.to_owned(),
        provider: "G01/lgsp".to_owned(),
        service: "a.B".to_owned(),
        purpose: "xác thực".to_owned(),
        ..Default::default()
    };
    v1::RequestAccessRequest {
        grant: Some(grant),
        ..Default::default()
    }
}

fn decide(approve: bool) -> v1::DecideAccessRequest {
    v1::DecideAccessRequest {
        id: GRANT.to_owned(),
        approve,
        reason: "theo quy định".to_owned(),
        ..Default::default()
    }
}

fn revoke() -> v1::RevokeAccessRequest {
    v1::RevokeAccessRequest {
        id: GRANT.to_owned(),
        reason: "hết nhu cầu".to_owned(),
        ..Default::default()
    }
}

fn state_of(answer: Response<v1::ActResponse>) -> v1::GrantState {
    answer.into_inner().grant.unwrap().state()
}

#[track_caller]
fn check_denied<T: std::fmt::Debug>(result: Result<T, Status>, part: &str) {
    let status = result.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied, "{status}");
    assert!(status.message().contains(part), "{status}");
}

#[tokio::test]
async fn a_grant_is_a_contract_of_two_parties() {
    let house = house().await;
    let mut consumer = member(&house, "H26").await;
    let mut provider = member(&house, "G01").await;
    let mut stranger = member(&house, "H27").await;
    check_denied(
        stranger.request_access(request("H26/lgsp")).await,
        "for the consumer",
    );
    let asked = consumer.request_access(request("H26/lgsp")).await.unwrap();
    assert_eq!(state_of(asked), v1::GrantState::Requested);
    check_denied(
        consumer.decide_access(decide(true)).await,
        "for the provider",
    );
    check_denied(
        stranger.decide_access(decide(true)).await,
        "for the provider",
    );
    assert!(
        house
            .keeper
            .current()
            .callable(&"H26/lgsp".parse().unwrap())
            .is_empty()
    );
    let decided = provider.decide_access(decide(true)).await.unwrap();
    assert_eq!(state_of(decided), v1::GrantState::Active);
    assert_eq!(
        house
            .keeper
            .current()
            .callable(&"H26/lgsp".parse().unwrap())
            .len(),
        1
    );

    check_denied(
        stranger.revoke_access(revoke()).await,
        "the consumer or the provider",
    );
    let revoked = consumer.revoke_access(revoke()).await.unwrap();
    assert_eq!(state_of(revoked), v1::GrantState::Revoked);
    assert!(
        house
            .keeper
            .current()
            .callable(&"H26/lgsp".parse().unwrap())
            .is_empty()
    );
}

#[tokio::test]
async fn the_audit_log_tells_who_did_what_and_who_was_refused() {
    let house = house().await;
    let mut consumer = member(&house, "H26").await;
    consumer.request_access(request("H26/lgsp")).await.unwrap();
    consumer.decide_access(decide(true)).await.unwrap_err();
    // Refused by the table of roles; what was attempted on what is told all the same.
    let suspension = v1::TransitionRequest {
        kind: v1::ItemKind::Member.into(),
        key: "H27".to_owned(),
        action: v1::Action::Suspend.into(),
        reason: "sự cố".to_owned(),
        ..Default::default()
    };
    let refused = consumer.transition(suspension).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(
        refused.message().contains("a member may not call"),
        "{refused}"
    );
    let mut operator = house.registry(&house.operator()).await;
    operator.decide_access(decide(true)).await.unwrap();
    let told = operator.list_audit(v1::ListAuditRequest::default()).await;
    let entries = told.unwrap().into_inner().entries;
    let found: Vec<_> = entries
        .iter()
        .map(|it| {
            (
                it.rpc.as_str(),
                it.role.as_str(),
                it.item.as_str(),
                it.refused.is_empty(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("Apply", "operator", "", true),
            ("RequestAccess", "member H26", GRANT, true),
            ("DecideAccess", "member H26", GRANT, false),
            ("Transition", "member H26", "H27", false),
            ("DecideAccess", "operator", GRANT, true),
        ]
    );
    let last = entries.last().unwrap();
    assert_eq!(last.reason, "theo quy định");
    assert_eq!(last.actor, "spiffe://ndxp.local/operator/a");
    assert!(!last.differences.is_empty());

    let refused = v1::ListAuditRequest {
        refused_only: true,
        ..Default::default()
    };
    let told = operator.list_audit(refused).await.unwrap().into_inner();
    assert_eq!(told.entries.len(), 2);
    let mut auditor = house.registry(&house.auditor()).await;
    let told = auditor.list_audit(v1::ListAuditRequest::default()).await;
    assert_eq!(told.unwrap().into_inner().entries.len(), 5);
    check_denied(
        consumer.list_audit(v1::ListAuditRequest::default()).await,
        "ListAudit",
    );
    let beyond = v1::ListAuditRequest {
        limit: AUDIT_LIMIT_MAX + 1,
        ..Default::default()
    };
    let refused = auditor.list_audit(beyond).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_member_sees_its_own_and_nothing_of_others() {
    let house = house().await;
    for consumer in ["H26/lgsp", "H27/lgsp"] {
        let mut operator = house.registry(&house.operator()).await;
        operator.request_access(request(consumer)).await.unwrap();
    }
    // Whose, and how many members, systems, services and grants it sees.
    let rows = [("H26", [1, 1, 0, 1]), ("G01", [1, 1, 1, 2])];
    for (code, expected) in rows {
        let mut client = member(&house, code).await;
        let all = v1::ListRequest::default;
        let members = client.list_members(all()).await.unwrap().into_inner();
        let systems = client.list_systems(all()).await.unwrap().into_inner();
        let services = client.list_services(all()).await.unwrap().into_inner();
        let grants = client.list_grants(all()).await.unwrap().into_inner();
        let found = [
            members.members.len(),
            systems.systems.len(),
            services.services.len(),
            grants.grants.len(),
        ];
        assert_eq!(found, expected, "{code}");
        let of_another = v1::ListRequest {
            member: "H27".to_owned(),
            ..Default::default()
        };
        check_denied(client.list_grants(of_another).await, "H27");
    }
    let mut operator = house.registry(&house.operator()).await;
    for (member, expected) in [("", 2), ("H27", 1), ("G01", 2)] {
        let request = v1::ListRequest {
            member: member.to_owned(),
            ..Default::default()
        };
        let listed = operator.list_grants(request).await.unwrap().into_inner();
        assert_eq!(listed.grants.len(), expected, "{member:?}");
    }
    let unknown = v1::ListRequest {
        member: "H99".to_owned(),
        ..Default::default()
    };
    let refused = operator.list_members(unknown).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn coverage_counts_who_shook_hands_or_called_by_then() {
    let house = house().await;
    let system = "H26/lgsp".parse().unwrap();
    house.keeper.system_connected(system).await.unwrap();
    let later = BEGIN.saturating_add(std::time::Duration::from_secs(60));
    house.clock.set(later);
    let (_, last) = house.transact("H27/lgsp", "G01/lgsp").await;
    let counted = house.counters.reached(last).await;
    counted.unwrap();
    let mut client = house.registry(&house.auditor()).await;
    let rows: [(i64, &[&str]); 2] = [(0, &[]), (later.as_micros(), &["G01", "H27"])];
    for (as_of_us, missing) in rows {
        let request = v1::GetCoverageRequest { as_of_us };
        let covered = client.get_coverage(request).await.unwrap().into_inner();
        let total = covered.total.unwrap();
        assert_eq!(total.missing, missing, "{as_of_us}");
        let expected = 3 - u64::try_from(missing.len()).unwrap();
        assert_eq!((total.registered, total.connected), (3, expected));
    }
}

#[tokio::test]
async fn what_is_exported_is_what_stands() {
    let house = house().await;
    let mut operator = house.registry(&house.operator()).await;
    operator.request_access(request("H26/lgsp")).await.unwrap();
    operator.decide_access(decide(true)).await.unwrap();
    let exported = operator.export(v1::ExportRequest::default()).await.unwrap();
    let catalogue = exported.into_inner().catalogue.unwrap();
    assert_eq!((catalogue.members.len(), catalogue.grants.len()), (3, 1));
    let again = v1::ApplyRequest {
        catalogue: Some(catalogue),
        prune: true,
        note: "again".to_owned(),
        ..Default::default()
    };
    let applied = operator.apply(again).await.unwrap().into_inner();
    assert_eq!((applied.sequence, applied.differences), (0, vec![]));
}

/// A file with the service `a.B` of these methods.
fn descriptors(methods: &[&str]) -> Vec<u8> {
    let method = |name: &&str| MethodDescriptorProto {
        name: Some((*name).to_owned()),
        input_type: Some(".a.Empty".to_owned()),
        output_type: Some(".a.Empty".to_owned()),
        ..Default::default()
    };
    let service = ServiceDescriptorProto {
        name: Some("B".to_owned()),
        method: methods.iter().map(method).collect(),
        ..Default::default()
    };
    let empty = DescriptorProto {
        name: Some("Empty".to_owned()),
        ..Default::default()
    };
    let file = FileDescriptorProto {
        name: Some("a.proto".to_owned()),
        package: Some("a".to_owned()),
        message_type: vec![empty],
        service: vec![service],
        ..Default::default()
    };
    FileDescriptorSet { file: vec![file] }.encode_to_vec()
}

#[tokio::test]
async fn a_provider_gives_the_descriptors_of_its_own_services() {
    let house = house().await;
    let mut provider = member(&house, "G01").await;
    let mut other = member(&house, "H26").await;
    let put = |methods: &[&str]| v1::PutDescriptorsRequest {
        descriptors: Some(v1::Descriptors {
            provider: "G01/lgsp".to_owned(),
            service: "a.B".to_owned(),
            file_descriptor_set: descriptors(methods),
        }),
        ..Default::default()
    };
    let get = || v1::GetDescriptorsRequest {
        provider: "G01/lgsp".to_owned(),
        service: "a.B".to_owned(),
        as_of_us: 0,
    };
    let absent = other.get_descriptors(get()).await.unwrap_err();
    assert_eq!(absent.code(), Code::NotFound);
    check_denied(other.put_descriptors(put(&["C"])).await, "for the provider");
    provider.put_descriptors(put(&["C", "D"])).await.unwrap();
    let broken = provider.put_descriptors(put(&["C"])).await.unwrap_err();
    assert_eq!(broken.code(), Code::InvalidArgument);
    assert!(broken.message().contains('D'), "{broken}");
    let given = other.get_descriptors(get()).await.unwrap().into_inner();
    let given = given.descriptors.unwrap().file_descriptor_set;
    assert_eq!(given, descriptors(&["C", "D"]));
}

#[tokio::test]
async fn the_lists_tell_until_when_certificates_are_valid() {
    let house = house().await;
    let der = rustls_pki_types::CertificateDer::from_pem_slice(
        house.system("H26/lgsp").certificate_pem.as_bytes(),
    );
    house.seen.note(&"H26/lgsp".parse().unwrap(), &der.unwrap());
    let mut client = house.registry(&house.operator()).await;
    let listed = client.list_systems(v1::ListRequest::default()).await;
    let until = listed.unwrap().into_inner().certificates_valid_until_us;
    assert_eq!(until.keys().collect::<Vec<_>>(), ["H26/lgsp"]);
}
