//! Descriptors as an act: taken, kept with the service, and refused when callers break.

use prost::Message as _;
use prost_types::FileDescriptorSet;

use super::*;

const SERVICE: &str = "ndxp.example.population.v1.PopulationService";

const CATALOGUE: &str = "[[service]]\nprovider = \"G01/population\"\n\
                         name = \"ndxp.example.population.v1.PopulationService\"\n";

fn put(set: Vec<u8>, allow_incompatible: bool) -> Act {
    Act::PutDescriptors(v1::PutDescriptorsRequest {
        descriptors: Some(v1::Descriptors {
            provider: "G01/population".to_owned(),
            service: SERVICE.to_owned(),
            file_descriptor_set: set,
        }),
        allow_incompatible,
        ..Default::default()
    })
}

/// The repository's contracts without one method of the service.
fn without(method: &str) -> Vec<u8> {
    let mut set = FileDescriptorSet::decode(ndxp_proto::DESCRIPTORS).unwrap();
    for file in &mut set.file {
        for service in &mut file.service {
            service.method.retain(|each| each.name() != method);
        }
    }
    set.encode_to_vec()
}

#[test]
fn a_service_keeps_its_descriptors_and_tells_its_methods() {
    let mut registry = registry(&[SMALL, CATALOGUE]);
    let all = ndxp_proto::DESCRIPTORS.to_vec();
    done(&mut registry, &put(all.clone(), false));
    let service = registry.service("G01/population", SERVICE).unwrap().clone();
    assert!(service.methods.contains(&"VerifyBatch".to_owned()));
    assert_eq!(service.descriptors_sha256.len(), 32);
    let kept = registry.descriptors("G01/population", SERVICE).unwrap();
    assert_eq!(kept.file_descriptor_set, all);
    let again = registry.plan_act(&put(all, false), "operator", january(15));
    assert_eq!(again.unwrap().changes, [], "what stands is no change");
    // A catalogue knows nothing of descriptors, and takes none away.
    let apply = registry.plan(&crate::fixture::parse(CATALOGUE)).unwrap();
    assert_eq!(apply.changes, []);
}

#[test]
fn a_grant_lists_methods_that_the_service_has() {
    let mut registry = registry(&[SMALL, CATALOGUE]);
    done(&mut registry, &put(ndxp_proto::DESCRIPTORS.to_vec(), false));
    let asked = Act::RequestAccess(v1::RequestAccessRequest {
        grant: Some(v1::Grant {
            consumer: "H29/lgsp".to_owned(),
            provider: "G01/population".to_owned(),
            service: SERVICE.to_owned(),
            methods: vec!["Verify".to_owned()],
            ..Default::default()
        }),
        ..Default::default()
    });
    refused(
        &registry,
        &asked,
        "methods = \"Verify\": the service has no such method",
    );
}

#[test]
fn what_breaks_callers_is_listed_and_refused_unless_allowed() {
    let grant = format!(
        "[[grant]]\nconsumer = \"H29/lgsp\"\nprovider = \"G01/population\"\nservice = \"{SERVICE}\"\n\
         methods = [\"VerifyBatch\"]\n"
    );
    let mut registry = registry(&[SMALL, CATALOGUE, &grant]);
    done(&mut registry, &put(ndxp_proto::DESCRIPTORS.to_vec(), false));
    let breaking = without("VerifyBatch");
    refused(
        &registry,
        &put(breaking.clone(), false),
        "callers break: method VerifyBatch is removed",
    );
    refused(
        &registry,
        &put(breaking.clone(), false),
        &format!("the method VerifyBatch, which the grant H29/lgsp>G01/population/{SERVICE} lists"),
    );
    done(&mut registry, &put(breaking, true));
}

#[test]
fn a_set_that_does_not_hold_the_service_is_refused() {
    let registry = registry(&[SMALL, CATALOGUE]);
    refused(
        &registry,
        &put(vec![0xff], false),
        "is no encoded FileDescriptorSet",
    );
    refused(&registry, &put(Vec::new(), false), "lacks the service");
    let mut other = put(Vec::new(), false);
    if let Act::PutDescriptors(request) = &mut other {
        request.descriptors.as_mut().unwrap().service = "test.None".to_owned();
    }
    refused(&registry, &other, "there is no such service");
}
