//! Python objects as plain data: what a pickle or a skops file describes, without Python.

mod advice;
mod array;
mod dtype;
mod foreign;
mod global;
mod heap;
mod pandas;
mod structure;

pub use advice::way_out;
pub use array::{Array, Data, Numbers};
pub use dtype::{Dtype, Kind};
pub use foreign::Foreign;
pub use global::{Class, Function, Global, find};
pub use heap::{Heap, Instance, Object, ObjectId, Value};
pub use structure::Structures;
