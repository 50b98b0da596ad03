//! One module for each family of commands, in the order in which an operator meets them.

pub mod demo;

pub mod init;

pub mod serve;

pub mod cert;

pub mod apply;

pub mod export;

mod availability;
mod key;
mod life;

pub mod member;

pub mod system;

pub mod service;

pub mod access;

pub mod directory;

pub mod audit;

pub mod get;

pub mod transactions;

pub mod baseline;

pub mod stats;

pub mod top;

pub mod report;

pub mod verify;

pub mod doctor;

pub mod backup;

pub mod journal;

pub mod simulate;

pub mod completions;
