//! The parts of the command `fleetscore`: one module a subcommand.

pub mod manifest;
pub mod simulate;
pub mod train;
