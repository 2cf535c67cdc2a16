//! The state of one partition between its log and its parts: from readings to complete rows.

mod column;
mod feature;
mod load;
mod pane;
mod partials;
mod partition;
mod rows;
mod rules;
mod seen;
mod sensors;
mod state;
mod tally;
mod waiting;

pub use feature::FeaturePartials;
pub use partials::Partials;
pub use partition::{Partition, TooManySensors};
pub use rows::{Keys, Rows};
pub use rules::{Output, Rules, RulesError};
pub use state::{Snapshot, StateError};
pub use tally::Tally;
