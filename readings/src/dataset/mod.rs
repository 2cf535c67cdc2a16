//! Which objects hold the readings of a location: one object, or what is in a folder and below, less what a folder holds besides, and
//! never the files of a table.

mod folder;
mod names;
mod pieces;
mod stream;
mod table;

pub use folder::{Contents, no_object};
pub use names::is_data;
pub use pieces::{begin, list, missing};
pub use stream::{Segment, Segments, complete, segments, stream_at, wanted};
pub use table::{Table, table_above, table_between};
