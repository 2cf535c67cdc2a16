//! From an event's bytes to readings.
//!
//! A [`Decoder`] is made once of the manifest's `event` and `filter`. It unpacks a payload, finds the wanted values in it, which are put
//! into a row as what their fields are, and judges each row: its time, its keys, the filter, its features.

mod amqp;
mod avro;
mod columns;
mod csv;
mod decoder;
mod json;
mod judge;
mod meta;
mod payload;
mod plan;
mod row;
mod scalar;
mod shape;
mod spec_error;
#[cfg(test)]
mod tests;

pub use decoder::{Decoded, Decoder};
pub(crate) use judge::Formula;
pub(crate) use meta::Meta;
pub(crate) use plan::Plan;
pub(crate) use shape::{Member, Node, Shape};
pub use spec_error::SpecError;
