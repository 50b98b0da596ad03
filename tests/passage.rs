//! What passes through the hub and what does not, looked at on the bare wire from both sides.

mod drain;
mod endings;
mod endpoints;
mod flow;
mod messages;
mod metadata;
mod observer;
mod placing;
