//! What an operator does so that a hub can be relied on: looks it over before and while it serves,
//! keeps copies of its data, and looks into a journal that was damaged.

mod archive;
mod backup;
mod doctor;
mod inspect;
