//! Conditions and formulas in CEL over the fields of a reading.
//!
//! The text is parsed, typed over the declared fields and compiled to a tree of our own, which is quick to evaluate and can be written
//! in other languages. What a reading lacks is unknown, as NULL is in SQL: `false && unknown` is false, `unknown > 1` unknown.

mod ast;
mod compile;
mod error;
mod evaluate;
mod functions;
mod operators;
mod source;
#[cfg(test)]
mod tests;

pub use ast::{Arithmetic, Comparison, Condition, Expression, Number, Text, Time};
pub use compile::{KnownField, compile, condition};
pub use error::ExpressionError;
pub use evaluate::Values;
