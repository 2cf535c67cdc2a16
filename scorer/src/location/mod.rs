//! Locations: text with placeholders that becomes the URL of one sensor's object, and back.

mod encode;
mod template;

pub use encode::{decode_value, encode_value};
pub use template::{Edge, Names, Template, TemplateError};
