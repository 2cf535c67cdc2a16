//! Complete segments out of the parts of all partitions.
//!
//! A partition's closed rows wait in parts, sorted, with what is needed to combine them with those of other partitions. Once all
//! partitions have closed a segment, its parts are merged into files of readings, sorted by keys, then time, and the segment is marked as
//! complete ([`Publisher`]). The same parts give the same files, byte for byte and by name, so whatever ends the work, it is done again.

mod columns;
mod file;
mod key;
mod merge;
mod part;
mod part_file;
mod publisher;
mod segment;
mod sweep;
#[cfg(test)]
mod tests;

pub use part::store_part;
pub use publisher::Publisher;
