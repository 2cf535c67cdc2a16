//! libsvm's text format: a header of `name value` lines, `SV`, and a line a support vector: `alpha index:value ...`.

mod read;
mod write;

pub use read::read;
pub use write::write_libsvm;
