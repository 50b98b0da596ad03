//! What changes the registry: catalogues as files that a person wrote, administrative acts as
//! messages, and the descriptors of services.

use std::sync::LazyLock;

use ndxp_model::{Instant, Zone};
use ndxp_proto::journal::v1::entry::Body;
use ndxp_proto::journal::v1::{Entry, RegistryChanged};
use ndxp_proto::registry::v1;
use ndxp_registry::{
    Act, CatalogueErrors, CatalogueFormat, Place, Registry, parse_catalogue, write_catalogue,
};

use crate::check_error;

const ERRORS_MAX: usize = ndxp_registry::ERRORS_LISTED_MAX;

/// A TOML file: see [`written`].
pub fn toml(data: &[u8]) {
    written(data, CatalogueFormat::Toml, "catalogue.toml");
}

/// A YAML file: see [`written`].
pub fn yaml(data: &[u8]) {
    written(data, CatalogueFormat::Yaml, "catalogue.yaml");
}

/// What is read can be written, and is read again as the same; what is wrong is told by its line.
fn written(data: &[u8], format: CatalogueFormat, name: &str) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let zone = Zone::viet_nam();
    match parse_catalogue(name, text, &zone) {
        Ok(catalogue) => {
            let again = write_catalogue(&catalogue, format);
            let again = parse_catalogue(name, &again, &zone);
            assert_eq!(again.as_ref(), Ok(&catalogue));
            let apply = v1::ApplyRequest {
                catalogue: Some(catalogue),
                ..v1::ApplyRequest::default()
            };
            planned(Registry::empty(), &Act::Apply(apply));
        }
        Err(errors) => check_errors(&errors, text.lines().count() + 1),
    }
}

/// Any administrative act, as a request: the first byte says which, the others are its message.
pub fn act(data: &[u8]) {
    let Some((kind, message)) = data.split_first() else {
        return;
    };
    let act = match kind {
        b'a' => decoded(message).map(Act::Apply),
        b'p' => decoded(message).map(Act::Propose),
        b't' => decoded(message).map(Act::Transition),
        b'r' => decoded(message).map(Act::RequestAccess),
        b'd' => decoded(message).map(Act::DecideAccess),
        b'v' => decoded(message).map(Act::RevokeAccess),
        b's' => decoded(message).map(Act::SetAvailability),
        b'm' => decoded(message).map(Act::SetMaintenance),
        b'c' => decoded(message).map(Act::PutDescriptors),
        _ => None,
    };
    if let Some(act) = act {
        planned(STANDING.clone(), &act);
    }
}

fn decoded<M: prost::Message + Default>(message: &[u8]) -> Option<M> {
    M::decode(message).ok()
}

/// Descriptors that a member puts to its service, which stands with others.
pub fn descriptors(data: &[u8]) {
    let descriptors = v1::Descriptors {
        provider: "G01/population".to_owned(),
        service: SERVICE.to_owned(),
        file_descriptor_set: data.to_vec(),
    };
    let request = v1::PutDescriptorsRequest {
        descriptors: Some(descriptors),
        ..v1::PutDescriptorsRequest::default()
    };
    planned(STANDING.clone(), &Act::PutDescriptors(request));
}

const SERVICE: &str = "ndxp.example.population.v1.PopulationService";

/// What stands before an act.
static STANDING: LazyLock<Registry> = LazyLock::new(|| {
    let zone = Zone::viet_nam();
    let catalogue = parse_catalogue("standing.toml", CATALOGUE, &zone).expect("it is sound");
    let apply = v1::ApplyRequest {
        catalogue: Some(catalogue),
        note: "what stands".to_owned(),
        ..v1::ApplyRequest::default()
    };
    let put = v1::PutDescriptorsRequest {
        descriptors: Some(v1::Descriptors {
            provider: "G01/population".to_owned(),
            service: SERVICE.to_owned(),
            file_descriptor_set: ndxp_proto::DESCRIPTORS.to_vec(),
        }),
        ..v1::PutDescriptorsRequest::default()
    };
    let registry = planned(Registry::empty(), &Act::Apply(apply)).expect("it can be applied");
    planned(registry, &Act::PutDescriptors(put)).expect("the service has this contract")
});

const CATALOGUE: &str = r#"
[[member]]
code = "H26"
name_vi = "UBND tỉnh"
class = "province"

[[member]]
code = "G01"
name_vi = "Bộ Công an"
class = "ministry"

[[system]]
id = "H26/lgsp"
kind = "lgsp"

[[system]]
id = "G01/population"
kind = "database"
endpoints = ["127.0.0.1:50051"]

[[service]]
provider = "G01/population"
name = "ndxp.example.population.v1.PopulationService"

[[grant]]
consumer = "H26/lgsp"
provider = "G01/population"
service = "ndxp.example.population.v1.PopulationService"
"#;

/// The registry says what is wrong, or folds what it planned; planned again, it is refused or
/// leaves little to do, but does not fail.
fn planned(mut registry: Registry, act: &Act) -> Option<Registry> {
    let now = Instant::from_micros(1_658_456_400_000_000);
    let plan = match registry.plan_act(act, OPERATOR, now) {
        Ok(plan) => plan,
        Err(errors) => {
            check_errors(&errors, 0);
            return None;
        }
    };
    let changed = RegistryChanged {
        changes: plan.changes,
        ..RegistryChanged::default()
    };
    let entry = Entry {
        sequence: registry.watermark().next().get(),
        committed_at_us: now.as_micros(),
        body: Some(Body::RegistryChanged(changed)),
    };
    assert_eq!(registry.apply(&entry), Ok(()));
    if let Err(errors) = registry.plan_act(act, OPERATOR, now) {
        check_errors(&errors, 0);
    }
    Some(registry)
}

const OPERATOR: &str = "operator";

fn check_errors(errors: &CatalogueErrors, lines: usize) {
    assert!((1..=ERRORS_MAX).contains(&errors.errors.len()));
    for error in &errors.errors {
        check_error(error);
        assert!(!error.problem.remedy().is_empty());
        if let Place::Line { line, .. } = error.place {
            assert!(line <= lines, "line {line} of {lines}");
        }
    }
}
