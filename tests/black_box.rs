//! Black-box tests of the built binary: a hub is served as an operator serves it, and provinces
//! and national systems call each other through it over real mutual TLS. What the journal and
//! the counters say is asked with the operator's own commands.

// The attribute tells the lints that helpers, too, are tests.
#[cfg(test)]
mod support;

#[cfg(test)]
mod province_day;

#[cfg(test)]
mod abuse;
#[cfg(test)]
mod bad_files;
#[cfg(test)]
mod baseline;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod deploy;
#[cfg(test)]
mod hardening;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod membership;
#[cfg(test)]
mod month;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod passage;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod stats;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod top;
#[cfg(test)]
mod vanish;

#[cfg(test)]
mod grpcio;
#[cfg(test)]
mod interop;
