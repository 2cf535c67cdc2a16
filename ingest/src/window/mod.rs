//! The state of one partition between its log and its parts: from readings to complete rows.

mod feature;
mod partials;
mod rows;
mod rules;

pub use feature::FeaturePartials;
pub use partials::Partials;
pub use rows::{Keys, Rows};
pub use rules::{Output, Rules, RulesError};
