//! Views as HTML: each page is a list of parts, which can be asked for one by one.

mod layout;
mod page;
mod parts;

pub use layout::{Frame, Tab};
pub use page::{Page, PageError};
pub use parts::Part;
