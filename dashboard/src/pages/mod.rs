//! Views as HTML: each page is a list of parts, which can be asked for one by one.

mod assets;
mod layout;
mod live;
mod page;
mod parts;

pub use assets::Assets;
pub use layout::{Frame, Tab};
pub use page::{Page, PageError};
pub use parts::Part;
