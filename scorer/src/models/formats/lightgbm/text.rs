//! The text's blocks, which empty lines part: the header, then a tree each.

use std::str::FromStr;

use super::{invalid, malformed, quoted, unsupported};
use crate::models::ModelError;
use crate::models::trees::LightLink;

/// Lines of a block that are looked at; a tree has some 20.
const MOST_LINES: usize = 64;

/// Lines of a name and a value each.
#[derive(Default)]
pub struct Block<'t> {
    lines: Vec<(&'t str, &'t str)>,
}

/// The blocks of a text. What follows the trees are others.
pub fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let lines: Vec<_> = lines
            .by_ref()
            .skip_while(|line| line.trim().is_empty())
            .take_while(|line| !line.trim().is_empty())
            .take(MOST_LINES)
            .map(|line| line.trim().split_once('=').unwrap_or((line.trim(), "")))
            .collect();
        (!lines.is_empty()).then_some(Block { lines })
    })
}

impl<'t> Block<'t> {
    /// Whether it is a tree.
    pub fn is_tree(&self) -> bool {
        self.lines.first().is_some_and(|(name, _)| *name == "Tree")
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&'t str> {
        let line = self.lines.iter().find(|(other, _)| *other == name);
        line.map(|(_, value)| *value)
    }

    /// A number.
    pub fn number<T: FromStr>(&self, name: &str) -> Result<T, ModelError> {
        let text = self.get(name);
        let text = text.ok_or_else(|| malformed(&format!("there is no `{name}`")))?;
        text.parse()
            .map_err(|_| malformed(&format!("`{name}` is {}, no number", quoted(text))))
    }

    /// `count` numbers.
    pub fn numbers<T: FromStr>(&self, name: &str, count: usize) -> Result<Vec<T>, ModelError> {
        let text = self.get(name).unwrap_or_default();
        let numbers = text
            .split_ascii_whitespace()
            .take(count + 1)
            .map(str::parse);
        let numbers: Result<Vec<T>, _> = numbers.collect();
        match numbers {
            Ok(numbers) if numbers.len() == count => Ok(numbers),
            Ok(_) => Err(malformed(&format!(
                "`{name}` does not hold {count} numbers"
            ))),
            Err(_) => Err(malformed(&format!("`{name}` holds what is no number"))),
        }
    }
}

/// What the header says.
pub struct Header<'t> {
    /// Numbers of a row.
    pub features: usize,
    /// Sums: trees of each iteration.
    pub sums: usize,
    /// Trees in all.
    pub trees: usize,
    /// Names of the features.
    pub names: Vec<&'t str>,
    /// Whether the sums are divided by the number of iterations.
    pub averages: bool,
    objective: &'t str,
}

impl<'t> Header<'t> {
    /// Reads a header.
    pub fn of(block: &Block<'t>) -> Result<Self, ModelError> {
        let features = block.number::<usize>("max_feature_idx")?.saturating_add(1);
        let sums = block.number::<usize>("num_tree_per_iteration")?;
        if features > 1 << 20 || sums == 0 || sums > 1 << 16 {
            return Err(invalid(&format!(
                "it has {features} features and {sums} trees an iteration"
            )));
        }
        let sizes = block.get("tree_sizes").unwrap_or_default();
        let names = block.get("feature_names").unwrap_or_default();
        Ok(Self {
            features,
            sums,
            trees: sizes.split_ascii_whitespace().count(),
            names: names.split_ascii_whitespace().take(features + 1).collect(),
            averages: block.get("average_output").is_some(),
            objective: block.get("objective").unwrap_or_default(),
        })
    }

    /// The names, where they are not those that LightGBM gives itself.
    pub fn own_names(&self) -> Option<Vec<String>> {
        let made_up = (0..).zip(&self.names);
        let is_made_up = |(at, name): (usize, &&str)| **name == format!("Column_{at}");
        if self.names.len() != self.features || made_up.into_iter().all(is_made_up) {
            return None;
        }
        Some(self.names.iter().map(|name| (*name).to_owned()).collect())
    }

    /// What becomes of the sums, and the number of classes if any.
    pub fn link(&self) -> Result<(LightLink, Option<usize>), ModelError> {
        let mut words = self.objective.split_ascii_whitespace();
        let name = words.next().unwrap_or_default();
        let options: Vec<&str> = words.collect();
        let slope = || {
            let slope = options
                .iter()
                .find_map(|option| option.strip_prefix("sigmoid:"));
            let slope = slope.map_or(Ok(1.0), str::parse);
            slope
                .ok()
                .filter(|slope: &f64| slope.is_finite())
                .ok_or_else(|| malformed(&format!("`objective` is {}", quoted(self.objective))))
        };
        let link = match name {
            "regression" if options.contains(&"sqrt") => {
                return Err(unsupported("reg_sqrt; train without it"));
            }
            "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" => {
                (LightLink::Identity, None)
            }
            "poisson" | "gamma" | "tweedie" => (LightLink::Exponential, None),
            "binary" => (LightLink::Share(slope()?), Some(2)),
            "multiclass" => (LightLink::LargestShare, Some(self.sums)),
            "multiclassova" => (LightLink::LargestOfEach(slope()?), Some(self.sums)),
            other => {
                return Err(unsupported(&format!(
                    "the objective {}; supported are binary, multiclass, multiclassova, regression, regression_l1, huber, fair, quantile, \
                     mape, poisson, gamma and tweedie: train with one of these",
                    quoted(other)
                )));
            }
        };
        if link.1.is_none_or(|classes| classes == 2) && self.sums != 1 {
            return Err(invalid(&format!(
                "it makes {} sums, which are not its objective's",
                self.sums
            )));
        }
        Ok(link)
    }
}
