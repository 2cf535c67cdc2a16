//! Views as HTML: each page is a list of parts, which can be asked for one by one.

mod assets;
mod health;
mod layout;
mod live;
mod overview;
mod page;
mod parts;
mod run;
mod schedule;
mod sensor;

pub use assets::Assets;
pub use layout::{Frame, Tab};
pub use page::{Page, PageError};
pub use parts::Part;
