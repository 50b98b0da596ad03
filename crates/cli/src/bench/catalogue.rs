//! Who is registered in the hubs of the benches: consumers that may all call the one service of
//! every provider.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use anyhow::Context as _;
use ndxp_proto::registry::v1::{
    Catalogue, Grant, Member, MemberClass, Service, State, System, SystemKind,
};

const SERVICE: &str = "ndxp.bench.v1.Echo";
pub const PATH: &str = "/ndxp.bench.v1.Echo/Unary";

/// A grant for each pair; members are what stands before the stroke of a system.
pub fn catalogue(
    consumers: &[&str],
    providers: &[(&str, SocketAddr)],
) -> anyhow::Result<Catalogue> {
    let mut members = BTreeSet::new();
    for system in consumers.iter().chain(providers.iter().map(|(id, _)| id)) {
        let (member, _) = system.split_once('/').context("a system is MEMBER/NAME")?;
        members.insert(member);
    }
    let grants = consumers.iter().flat_map(|consumer| {
        providers.iter().map(|(provider, _)| Grant {
            consumer: (*consumer).to_owned(),
            provider: (*provider).to_owned(),
            service: SERVICE.to_owned(),
            ..Grant::default()
        })
    });
    let lgsps = consumers
        .iter()
        .map(|id| system(id, SystemKind::Lgsp, Vec::new()));
    let databases = providers.iter().map(|(id, endpoint)| {
        let endpoints = vec![endpoint.to_string()];
        system(id, SystemKind::Database, endpoints)
    });
    Ok(Catalogue {
        members: members.into_iter().map(member).collect(),
        systems: lgsps.chain(databases).collect(),
        services: providers
            .iter()
            .map(|(provider, _)| Service {
                provider: (*provider).to_owned(),
                name: SERVICE.to_owned(),
                ..Service::default()
            })
            .collect(),
        grants: grants.collect(),
    })
}

fn member(code: &str) -> Member {
    let class = match code.starts_with('G') {
        true => MemberClass::Ministry,
        false => MemberClass::Province,
    };
    Member {
        code: code.to_owned(),
        name_vi: code.to_owned(),
        class: class.into(),
        state: State::Active.into(),
        ..Member::default()
    }
}

fn system(id: &str, kind: SystemKind, endpoints: Vec<String>) -> System {
    System {
        id: id.to_owned(),
        kind: kind.into(),
        endpoints,
        state: State::Active.into(),
        ..System::default()
    }
}
