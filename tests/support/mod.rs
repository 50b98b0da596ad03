//! What the black-box tests stand on: the hub as a process, and participants that know only the
//! wire.

pub mod hub;

mod config;
mod log;
pub mod process;
pub mod terminal;

pub mod catalogue;
pub mod credentials;

pub mod call;
pub mod consumer;
pub mod frames;
pub mod national;
pub mod network;
pub mod provider;
pub mod python;
pub mod refusal;
pub mod world;

pub mod wait;
