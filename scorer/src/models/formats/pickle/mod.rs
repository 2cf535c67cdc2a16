//! A small pickle machine: protocols 2 to 5, plain values, and the closed list of globals of
//! [`python`](super::python); it imports and runs nothing.
//!
//! Opcodes are those of Python's `pickletools`. Arrays of joblib, whose bytes lie in the middle of the pickle, are read too.

mod arrow;
mod machine;
mod objects;
mod opcode;
mod stack;

pub use machine::load;

/// Whether the bytes start like a pickle of a supported protocol.
pub fn recognise(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 2..=5, ..])
}
