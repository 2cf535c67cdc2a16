//! The decision function of many rows at once, as fast as the processor is.
//!
//! [`Prepared`] holds what a model is turned into for that: one [`form::Form`], chosen once per model. Rows are worked on a
//! [`tile::Tile`] at a time, one row a lane; support vectors come from [`blocks::Blocks`] and are used at once, so that no
//! matrix of kernel values is stored. Everything is generic code over what [`lanes::Lanes`] asks of a processor;
//! [`dispatch`] compiles it for each [`Path`] of instructions. The module `x86` holds all `unsafe`.
//!
//! None of it decides a label where rounding could: a score within its error bound ([`bounds`]) of 0 is handed back undecided,
//! and the caller works that row out by the reference, `OneClassSvm::decision`. A row's score depends on the model, the row and the
//! path alone, never on the rows around it.

mod any;
mod blocks;
mod bounds;
mod curve;
mod dispatch;
mod exponential;
mod form;
mod instructions;
mod lanes;
mod linear;
mod norms;
mod prepared;
mod scores;
mod series;
mod shape;
mod sums;
#[cfg(any(test, target_arch = "x86_64"))]
mod table;
mod terms;
#[cfg(test)]
mod tests;
mod tile;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(super) use prepared::Prepared;
