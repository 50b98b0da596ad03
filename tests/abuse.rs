//! Peers that do with HTTP/2, TLS and gRPC what they should not: each is answered as the
//! protocols say, and a consumer beside them, on the same core of the hub, loses no call.

mod bystander;

mod circuits;
mod connections;
mod floods;
mod headers;
mod overload;
mod providers;
mod streams;
