//! The parts of a model's document that scoring needs; all else is skipped.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::tree::Tree;
use super::{invalid, malformed, quoted, unsupported};
use crate::models::ModelError;
use crate::models::trees::XgLink;

/// Names of features.
const MOST_NAMES: usize = 100_000;

/// A model as `save_model` writes it.
#[derive(Deserialize)]
pub struct Document {
    pub learner: Learner,
    #[serde(default)]
    version: Vec<u32>,
}

/// A model within a pickle, beside what it was trained with.
#[derive(Deserialize)]
pub struct Serialized {
    #[serde(rename = "Model")]
    pub model: Document,
}

#[derive(Deserialize)]
pub struct Learner {
    #[serde(default)]
    pub attributes: Attributes,
    #[serde(default)]
    pub feature_names: Names,
    pub gradient_booster: GradientBooster,
    #[serde(rename = "learner_model_param")]
    parameters: Parameters,
    pub objective: Objective,
}

#[derive(Default, Deserialize)]
pub struct Attributes {
    best_iteration: Option<String>,
    /// What the wrapper notes of itself.
    pub scikit_learn: Option<String>,
}

#[derive(Deserialize)]
struct Parameters {
    base_score: String,
    num_class: String,
    num_feature: String,
    num_target: Option<String>,
}

#[derive(Deserialize)]
pub struct Objective {
    name: String,
}

#[derive(Deserialize)]
pub struct GradientBooster {
    pub name: String,
    #[serde(default)]
    pub model: Trees,
}

#[derive(Default, Deserialize)]
pub struct Trees {
    #[serde(default, rename = "trees")]
    pub all: Vec<Tree>,
    /// The class of each.
    #[serde(default)]
    pub tree_info: Vec<u32>,
    /// Where each iteration begins, and the last ends; from 1.7 on.
    iteration_indptr: Option<Vec<u32>>,
}

/// Names, few enough to be held.
#[derive(Default)]
pub struct Names(pub Vec<String>);

impl Document {
    /// What wrote it.
    pub fn producer(&self) -> Option<String> {
        let numbers = self.version.iter().take(4).map(ToString::to_string);
        let version = numbers.collect::<Vec<_>>().join(".");
        (!version.is_empty()).then(|| format!("XGBoost {version}"))
    }
}

impl Learner {
    /// A number from 0 up.
    pub fn count(&self, name: &str) -> Result<usize, ModelError> {
        let parameters = &self.parameters;
        let text = match name {
            "num_class" => &parameters.num_class,
            "num_feature" => &parameters.num_feature,
            _ => parameters.num_target.as_deref().unwrap_or("1"),
        };
        text.parse().map_err(|_| {
            malformed(&format!(
                "`{name}` is {}, no number from 0 up",
                quoted(text)
            ))
        })
    }

    /// Where `sums` sums start: the base score, of which `margin` makes what it is before the objective.
    pub fn starts(&self, sums: usize, margin: fn(f32) -> f32) -> Result<Vec<f32>, ModelError> {
        let text = self.parameters.base_score.as_str();
        let numbers = text
            .trim_start_matches('[')
            .trim_end_matches(']')
            .split(',');
        let numbers = numbers.take(sums + 1).map(|number| number.trim().parse());
        let numbers: Result<Vec<f32>, _> = numbers.collect();
        let numbers = numbers
            .map_err(|_| malformed(&format!("`base_score` is {}, no number", quoted(text))))?;
        match numbers.as_slice() {
            &[one] => Ok(vec![margin(one); sums]),
            many if many.len() == sums => Ok(many.iter().copied().map(margin).collect()),
            many => Err(invalid(&format!(
                "`base_score` holds {} numbers for {sums} sums",
                many.len()
            ))),
        }
    }
}

impl Objective {
    /// What becomes of the sums, and what becomes of the base score before they start from it.
    pub fn link(&self) -> Result<(XgLink, fn(f32) -> f32), ModelError> {
        let same: fn(f32) -> f32 = |score| score;
        let log: fn(f32) -> f32 = f32::ln;
        let odds: fn(f32) -> f32 = |score| -(1.0 / score - 1.0).ln();
        match self.name.as_str() {
            "reg:squarederror"
            | "reg:linear"
            | "reg:absoluteerror"
            | "reg:pseudohubererror"
            | "reg:squaredlogerror"
            | "reg:quantileerror" => Ok((XgLink::Identity, same)),
            "reg:logistic" => Ok((XgLink::Logistic, odds)),
            "reg:gamma" | "reg:tweedie" | "count:poisson" => Ok((XgLink::Exponential, log)),
            "binary:logistic" => Ok((XgLink::Share, odds)),
            "multi:softprob" => Ok((XgLink::LargestShare, same)),
            "multi:softmax" => Ok((XgLink::LargestSum, same)),
            other => Err(unsupported(&format!(
                "the objective {}; supported are binary:logistic, multi:softprob, multi:softmax, count:poisson and reg: of squarederror, \
                 squaredlogerror, logistic, pseudohubererror, absoluteerror, quantileerror, gamma and tweedie: train with one of these",
                quoted(other)
            ))),
        }
    }
}

impl Trees {
    /// The number of trees that count.
    pub fn used(&self, learner: &Learner, stops_early: bool) -> Result<usize, ModelError> {
        let best = learner.attributes.best_iteration.as_ref();
        let Some(best) = best.filter(|_| stops_early) else {
            return Ok(self.all.len());
        };
        let best: usize = best.parse().map_err(|_| {
            malformed(&format!(
                "`best_iteration` is {}, no number from 0 up",
                quoted(best)
            ))
        })?;
        let Some(ends) = &self.iteration_indptr else {
            return Err(unsupported(
                "early stopping of before 1.7; load it with a newer version, and save it again",
            ));
        };
        let end = ends.get(best.saturating_add(1)).map(|end| *end as usize);
        end.filter(|end| *end <= self.all.len())
            .ok_or_else(|| invalid("it has no trees of its best iteration"))
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "at most {MOST_NAMES} names")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Names, A::Error> {
        let mut found = Vec::new();
        while let Some(name) = names.next_element()? {
            if found.len() == MOST_NAMES {
                return Err(serde::de::Error::invalid_length(MOST_NAMES + 1, &self));
            }
            found.push(name);
        }
        Ok(Names(found))
    }
}
