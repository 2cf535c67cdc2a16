//! Ensembles of decision trees: their nodes, ways to walk them, and the isolation forest.
//!
//! An [`Ensemble`] holds the trees; [`Ensemble::sum`] is its plain walk, the reference for every faster way:
//! [`Ensemble::add_sums`] of many readings, `registers` for small trees where the processor has AVX-512, and [`Steps`] of very many
//! readings of one feature. An [`IsolationForest`] makes scores of the
//! sums.

mod ensemble;
mod isolation;
mod lightgbm;
mod path_length;
mod prepared;
#[cfg(target_arch = "x86_64")]
mod registers;
mod split;
mod steps;
mod walk;
mod xgboost;

pub use ensemble::Ensemble;
#[cfg(all(test, target_arch = "x86_64"))]
use isolation::single;
pub use isolation::{Border, IsolationForest};
pub use lightgbm::{LightGbm, LightLink};
pub use path_length::{average_path_length, average_path_length_before_0_21};
pub use split::Split;
pub use steps::Steps;
pub use xgboost::{XgBoost, XgLink};
