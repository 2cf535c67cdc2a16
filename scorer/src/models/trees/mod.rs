//! Ensembles of decision trees: their nodes, ways to walk them, and the families made of them.
//!
//! An [`Ensemble`] holds the trees; [`Ensemble::sum`] is its plain walk, the reference for every faster way:
//! [`Ensemble::add_sums`] of many readings, `full` of small trees, and of one feature `sorted`, or [`Steps`] of very many readings. An
//! [`IsolationForest`] makes scores of the sums, a [`Forest`] their mean, and [`Boosted`] trees add them to a start.

mod boosted;
mod borders;
mod ensemble;
mod forest;
mod full;
mod isolation;
mod lightgbm;
mod number;
mod path_length;
mod prepared;
mod queue;
mod sorted;
mod split;
mod spread;
mod steps;
mod walk;
mod xgboost;

pub use boosted::{Boosted, Grown, Link};
pub use ensemble::Ensemble;
pub use forest::{Forest, ForestKind};
pub use isolation::{Border, IsolationForest};
pub use lightgbm::{LightGbm, LightLink};
pub use number::Number;
pub use path_length::{average_path_length, average_path_length_before_0_21};
pub use split::Split;
pub use steps::Steps;
pub use xgboost::{XgBoost, XgLink};

/// Steps on any path of a tree that is not one of isolation; real ones have some tens.
const DEEPEST: u32 = 1000;

/// Errors when there are no trees, one is deeper than any that is of use, they look at a feature that no reading has, or what they
/// give is not finite.
fn check_trees<T: Number>(trees: &Ensemble<T>, features: usize) -> Result<(), String> {
    if trees.count() == 0 {
        return Err("it has no trees".into());
    }
    if features == 0 {
        return Err("its readings have no features".into());
    }
    if trees.depth() > DEEPEST {
        return Err(format!(
            "a tree is {} steps deep, and at most {DEEPEST} are walked: train it with max_depth",
            trees.depth()
        ));
    }
    if trees.features() > features {
        return Err(format!(
            "a tree looks at {} features, and a reading has {features}",
            trees.features()
        ));
    }
    if !trees.values_are_finite() {
        return Err("what a leaf gives is not finite".into());
    }
    Ok(())
}
