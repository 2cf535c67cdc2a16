use super::estimator::Estimator;
use super::tree::{Nodes, check_count, features as fitted_features, samples};
use super::version::Version;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::Class;
use crate::models::trees::{
    Border, Ensemble, IsolationForest, average_path_length, average_path_length_before_0_21,
};
use crate::models::{self, ModelError};

/// Nodes of all trees of a forest; no file that is read holds more.
const MOST_NODES: usize = 16 << 20;

/// Reads a fitted `IsolationForest`: what its `decision_function` and `predict` use, as each version of scikit-learn does.
pub fn read(
    forest: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    let version = Version::of(forest)?;
    let features = fitted_features(forest)?;
    let trees = trees(forest, version, features, meter)?;
    let divisors = divisors(forest, version, trees.count())?;
    let border = border(forest, version, meter)?;
    let forest = IsolationForest::new(trees, features, divisors, border);
    forest
        .map(models::Estimator::IsolationForest)
        .map_err(|problem| invalid(&problem))
}

fn trees(
    forest: &Estimator<'_, '_>,
    version: Version,
    features: usize,
    meter: &mut Meter<'_>,
) -> Result<Ensemble, ModelError> {
    let estimators = forest.list("estimators_")?;
    check_count(forest, estimators.len())?;
    let (mut trees, mut nodes) = (Ensemble::default(), 0);
    for (at, &estimator) in estimators.iter().enumerate() {
        meter.go_on()?;
        let estimator = forest.part("estimators_", estimator, Class::ExtraTreeRegressor)?;
        let fitted = estimator.part("tree_", estimator.required("tree_")?, Class::Tree)?;
        let tree = Nodes::of(&fitted, meter)?;
        nodes += tree.len();
        if nodes > MOST_NODES {
            return Err(too_large(&format!("{MOST_NODES} nodes")));
        }
        // The vectors of the ensemble grow by doubling.
        meter.take(3 * tree.len() * Ensemble::<f32>::NODE_BYTES)?;
        let lengths = lengths(forest, version, at, (&fitted, &tree), meter)?;
        let subset = subset(forest, features, at, meter)?;
        trees
            .add(&tree.with_values(&lengths), |feature| {
                subset.feature(feature)
            })
            .map_err(|problem| invalid(&format!("tree {at} {problem}")))?;
    }
    Ok(trees)
}

/// How long the path to each node of tree `at` is taken to be: every version has its own order in which it adds and subtracts.
fn lengths(
    forest: &Estimator<'_, '_>,
    version: Version,
    at: usize,
    (fitted, tree): (&Estimator<'_, '_>, &Nodes),
    meter: &mut Meter<'_>,
) -> Result<Vec<f64>, ModelError> {
    // From 1.3 on the file holds both parts.
    if forest.get("_average_path_length_per_tree").is_some() {
        let mut stored = |name| -> Result<Vec<f64>, ModelError> {
            let numbers = forest.item(name, at, meter)?;
            if numbers.shape == [tree.len()] {
                return Ok(numbers.values);
            }
            Err(invalid(&format!(
                "`{name}` has not a number for each node of tree {at}"
            )))
        };
        let nodes = stored("_decision_path_lengths")?;
        let rest = stored("_average_path_length_per_tree")?;
        let both = nodes.into_iter().zip(rest);
        return Ok(both.map(|(nodes, rest)| nodes + rest - 1.0).collect());
    }
    let both = tree.depths().into_iter().zip(samples(fitted, meter)?);
    let length = |(depth, samples): (f64, f64)| match version {
        Version(0, ..=20) => depth + average_path_length_before_0_21(samples),
        _ => depth + 1.0 + average_path_length(samples) - 1.0,
    };
    Ok(both.map(length).collect())
}

/// The features that a tree sees, where it does not see all.
enum Subset {
    All(usize),
    Some(Vec<f64>),
}

impl Subset {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // It is one of the features, counted from 0.
    fn feature(&self, feature: u32) -> Option<u32> {
        match self {
            Self::All(features) => Some(feature).filter(|&feature| (feature as usize) < *features),
            Self::Some(features) => features
                .get(feature as usize)
                .map(|&feature| feature as u32),
        }
    }
}

/// Of all features scikit-learn gives the trees a reading as it is, whatever order `estimators_features_` has.
fn subset(
    forest: &Estimator<'_, '_>,
    features: usize,
    at: usize,
    meter: &mut Meter<'_>,
) -> Result<Subset, ModelError> {
    if forest.count("_max_features")? == features {
        return Ok(Subset::All(features));
    }
    let seen = forest.item("estimators_features_", at, meter)?.values;
    let exists =
        |&feature: &f64| feature >= 0.0 && feature.fract() == 0.0 && feature < features as f64;
    if seen.iter().all(exists) {
        return Ok(Subset::Some(seen));
    }
    Err(invalid(&format!(
        "tree {at} sees features that are not among the {features} of a reading"
    )))
}

/// What the sum of the lengths is divided by, one after the other.
fn divisors(
    forest: &Estimator<'_, '_>,
    version: Version,
    trees: usize,
) -> Result<[f64; 2], ModelError> {
    if version < Version(0, 21) {
        if forest.count("n_estimators")? != trees {
            return Err(invalid("it has not as many trees as `n_estimators` says"));
        }
        let samples = forest.count("max_samples_")?;
        return Ok([
            trees as f64,
            average_path_length_before_0_21(samples as f64),
        ]);
    }
    let samples = match version {
        Version(0, _) | Version(1, ..=2) => "max_samples_",
        _ => "_max_samples",
    };
    let length = average_path_length(forest.count(samples)? as f64);
    if length == 0.0 && version < Version(1, 0) {
        return Err(invalid(
            "its trees have one sample each, of which scikit-learn before 1.0 makes no scores",
        ));
    }
    Ok([trees as f64 * length, 1.0])
}

fn border(
    forest: &Estimator<'_, '_>,
    version: Version,
    meter: &mut Meter<'_>,
) -> Result<Border, ModelError> {
    let zero_is_anomaly = version < Version(0, 20);
    if zero_is_anomaly {
        return Ok(Border {
            offset: -0.5,
            threshold: forest.number("threshold_", meter)?,
            zero_is_anomaly,
        });
    }
    // 0.20 and 0.21 only; a forest of theirs that a later version saved again may still say so.
    let is_old = version < Version(0, 22)
        && forest.get("behaviour").is_some()
        && forest.text("behaviour")? == "old";
    Ok(Border {
        offset: forest.number("offset_", meter)?,
        threshold: if is_old {
            forest.number("_threshold_", meter)?
        } else {
            0.0
        },
        zero_is_anomaly,
    })
}

fn invalid(problem: &str) -> ModelError {
    ModelError::Invalid(format!(
        "IsolationForest: {problem}; train the model again, or save it as it was fitted"
    ))
}

fn too_large(limit: &str) -> ModelError {
    ModelError::TooLarge {
        what: "IsolationForest".into(),
        limit: limit.into(),
    }
}
