//! The endpoints to which the gateway sends no calls just now, or only one at a time.

use std::collections::HashSet;

use ndxp_gateway::{Circuit, Healths};
use ndxp_proto::registry::v1::{CircuitState, EndpointCircuit, System};

/// Those of these systems, in the order of systems and endpoints.
pub fn circuits(healths: &Healths, systems: &[System]) -> Vec<EndpointCircuit> {
    let listed: HashSet<&str> = systems.iter().map(|system| system.id.as_str()).collect();
    let shown = healths.shown().into_iter();
    let mut circuits: Vec<EndpointCircuit> = shown
        .filter(|it| listed.contains(it.provider.as_str()))
        .filter_map(|it| {
            let (state, pause) = match it.state {
                Circuit::Closed { .. } => return None,
                Circuit::Open(pause) => (CircuitState::Open, pause),
                Circuit::HalfOpen { pause, .. } => (CircuitState::HalfOpen, pause),
            };
            Some(EndpointCircuit {
                system: it.provider.to_string(),
                endpoint: it.endpoint,
                state: state.into(),
                since_us: pause.since.as_micros(),
                why: pause.why.as_str().to_owned(),
            })
        })
        .collect();
    circuits.sort_by(|a, b| (&a.system, &a.endpoint).cmp(&(&b.system, &b.endpoint)));
    circuits
}
