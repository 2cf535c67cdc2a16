//! Ensembles of decision trees: their nodes, ways to walk them, and the isolation forest.
//!
//! An [`Ensemble`] holds the trees; [`Ensemble::sum`] is its plain walk, the reference for every faster way:
//! [`Ensemble::add_sums`] of many readings, and [`Steps`] of very many of one feature. An [`IsolationForest`] makes scores of the
//! sums.

mod ensemble;
mod isolation;
mod path_length;
mod prepared;
mod split;
mod steps;
mod walk;

pub use ensemble::Ensemble;
pub use isolation::{Border, IsolationForest};
pub use path_length::{average_path_length, average_path_length_before_0_21};
pub use split::Split;
pub use steps::Steps;
