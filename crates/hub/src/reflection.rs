//! Server reflection, so that any gRPC tool can list and call what a port offers without files.

use ndxp_proto::DESCRIPTORS;
use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};

pub const HEALTH: &str = "grpc.health.v1.Health";

/// Both versions that tools ask for.
pub const REFLECTION: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// Adds reflection over the named services and health.
///
/// # Errors
/// When the compiled descriptors cannot be read back.
pub fn add(routes: Routes, services: &[&'static str]) -> Result<Routes, Error> {
    let builder = || {
        let builder = Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name(HEALTH);
        services
            .iter()
            .fold(builder, |builder, name| builder.with_service_name(*name))
    };
    Ok(routes
        .add_service(builder().build_v1()?)
        .add_service(builder().build_v1alpha()?))
}
