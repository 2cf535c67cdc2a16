//! Python objects as plain data: what a pickle or a skops file describes, without Python.

mod array;
mod dtype;
mod global;
mod heap;

pub use array::{Array, Data, Numbers};
pub use dtype::{Dtype, Kind};
pub use global::{Class, Function, Global, find, hint};
pub use heap::{Heap, Instance, Object, Value};
