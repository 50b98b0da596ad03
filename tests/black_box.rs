//! Black-box tests of the built binary: a hub is served as an operator serves it, and provinces
//! and national systems call each other through it over real mutual TLS. What the journal and
//! the counters say is asked with the operator's own commands.

mod support;

mod province_day;

mod refusals;
mod strangers;
mod passage;
mod kill;

mod grpcio;
