//! Locations: text with placeholders that becomes the URL of one sensor's object, and back.

mod encode;
mod fold;
mod template;

pub use encode::{decode_value, encode_value};
pub use fold::fold;
pub use template::{Edge, Letters, Names, Pattern, Piece, Template, TemplateError};
