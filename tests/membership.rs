//! Who may call what, for years: acts take effect at once and nobody else notices, limits hold a
//! flood away from the others, certificates change under open connections, and every attempt is
//! on record.

mod audit;
mod certificates;
mod cut;
mod delegation;
mod directory;
mod effective;
mod limits;
mod load;
mod maintenance;
mod noisy;
mod story;
