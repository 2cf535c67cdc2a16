use fleetscore_crds::ModelFormat;

use super::svm::OneClassSvm;
use super::transforms::{self, Passage, Transform};
use super::{Estimator, Meaning, ModelError, Scaler, Verdicts};

/// Numbers of the rows that go through the transforms at a time, about.
const NUMBERS: usize = 64 << 10;

/// A sensor's trained model: transforms, and an estimator behind them. [`Model::new`] makes one, with consistent shapes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Model {
    /// Number of features d of a reading.
    pub features: usize,
    /// What readings go through first, in order. The scaler right before a one-class SVM is a part of that.
    pub transforms: Vec<Transform>,
    /// What makes a score of the outcome.
    pub estimator: Estimator,
    /// What the score says.
    pub meaning: Meaning,
    /// Where the model comes from.
    pub origin: Origin,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// The format that it was read from; never `Auto`.
    pub format: ModelFormat,
    /// What wrote the file, such as `scikit-learn 1.9.1`, where the file says.
    pub producer: Option<String>,
    /// Whether the file holds single precision only, so that labels may differ from the original model's.
    pub single_precision: bool,
    /// Names of the features, where the file says.
    pub feature_names: Option<Vec<String>>,
    /// What of the file is the model, where the file is a dict, tuple or list.
    pub parts: Option<Parts>,
}

/// What was taken out of a dict, tuple or list, by key or position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// What the model is made of, in the order in which readings go through it.
    pub taken: Vec<String>,
    /// What has no part in scoring.
    pub left: Vec<String>,
    /// Of what was left, the lists of names, where nothing says which are the features': they may be among these.
    pub lists: Vec<NamedList>,
}

/// A list of names beside a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedList {
    /// Its key, or its position.
    pub key: String,
    /// The names.
    pub texts: Vec<String>,
    /// Whether it lies within another dict, where `spec.model.bundle` cannot name it.
    pub within: bool,
}

impl Origin {
    /// An origin of double precision that says nothing else.
    pub fn new(format: ModelFormat) -> Self {
        Self {
            format,
            producer: None,
            single_precision: false,
            feature_names: None,
            parts: None,
        }
    }
}

/// Fitted transformers from a file of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Preparation {
    /// The steps, in order.
    pub transforms: Vec<Transform>,
    /// Names of the features that they were fitted with, where they had names.
    pub feature_names: Option<Vec<String>>,
}

impl Model {
    /// The model behind transformers from a file of their own.
    ///
    /// Errors when they leave another number of features than the model takes, or were fitted with other names.
    pub fn behind(mut self, before: Preparation) -> Result<Self, ModelError> {
        let Preparation {
            mut transforms,
            feature_names,
        } = before;
        // Behind a step that moves or mixes columns the model's names are not those of the readings.
        let names = self.origin.feature_names.take();
        let names = names.filter(|_| transforms.iter().all(Transform::keeps_columns));
        let (origin, meaning) = (self.origin, self.meaning);
        transforms.append(&mut self.transforms);
        let mut model = Self::new(transforms, self.estimator, origin)?;
        model.meaning = meaning;
        let fits = |names: &Vec<String>| names.len() == model.features;
        model.origin.feature_names = match (feature_names, names) {
            (Some(before), Some(own)) if fits(&own) && before != own => {
                return Err(ModelError::unfit(
                    "the scaler was fitted with other names of features than the model",
                ));
            }
            (Some(before), _) => Some(before),
            (None, own) => own.filter(fits),
        };
        Ok(model)
    }

    /// Puts transforms and an estimator together. The scores mean what the estimator's own rule says.
    ///
    /// Errors with [`ModelError::Invalid`] when a step takes another number of features than the one before it leaves, or there
    /// are more or fewer names than features.
    pub fn new(
        mut transforms: Vec<Transform>,
        mut estimator: Estimator,
        origin: Origin,
    ) -> Result<Self, ModelError> {
        let features = transforms::inputs(&transforms).unwrap_or(estimator.features());
        let width = transforms::outputs(&transforms, features)?;
        if estimator.features() != width {
            return Err(ModelError::unfit(format!(
                "the steps before {} leave {width} features, and it takes {}",
                estimator.name(),
                estimator.features()
            )));
        }
        // The scaler right before a one-class SVM is worked out with it.
        if let Estimator::OneClassSvm(svm) = &mut estimator
            && svm.scaler == Scaler::None
            && let Some(Transform::Scale(scaler)) = transforms.pop_if(is_scale)
        {
            svm.scaler = scaler;
        }
        match &origin.feature_names {
            Some(names) if names.len() != features => Err(ModelError::unfit(format!(
                "{} feature names, but the model has {features} features",
                names.len()
            ))),
            _ => Ok(Self {
                features,
                transforms,
                meaning: estimator.meaning(),
                estimator,
                origin,
            }),
        }
    }

    /// A one-class SVM without further transforms.
    ///
    /// Errors as [`Model::new`].
    pub fn of_svm(svm: OneClassSvm, origin: Origin) -> Result<Self, ModelError> {
        Self::new(Vec::new(), Estimator::OneClassSvm(svm), origin)
    }

    /// The one-class SVM, where the model is one without further transforms.
    pub fn svm(&self) -> Option<&OneClassSvm> {
        match &self.estimator {
            Estimator::OneClassSvm(svm) if self.transforms.is_empty() => Some(svm),
            _ => None,
        }
    }

    /// The same, for a format that holds nothing else.
    pub(super) fn only_svm(&self, format: ModelFormat) -> Result<&OneClassSvm, ModelError> {
        self.svm().ok_or_else(|| ModelError::Unwritable {
            format,
            problem: "it holds a OneClassSVM behind one scaler alone; use the file as it is".into(),
        })
    }

    /// Whether readings come to the estimator unscaled.
    pub fn takes_raw_readings(&self) -> bool {
        !self.transforms.iter().any(Transform::scales) && !self.estimator.scales()
    }

    /// Bytes of memory that the model takes, with what it is turned into to be scored fast.
    pub fn bytes(&self) -> usize {
        let names = self.origin.feature_names.iter().flatten();
        let names = names.map(|name| name.capacity() + size_of::<String>());
        let transforms = self.transforms.iter();
        let transforms = transforms.map(|step| step.bytes() + size_of::<Transform>());
        size_of::<Self>()
            + self.estimator.bytes()
            + transforms.sum::<usize>()
            + names.sum::<usize>()
    }

    /// Numbers of a row that [`Model::score`] takes: the features and, with a residual, the target behind them.
    pub fn width(&self) -> usize {
        self.features + usize::from(matches!(self.meaning, Meaning::Residual { .. }))
    }

    /// Appends the verdicts of n readings to `verdicts`; `rows` holds [`Model::width`] unscaled numbers each, row-major. A row's
    /// verdict depends on the model and the row alone.
    pub fn score(&self, rows: &[f64], verdicts: &mut Verdicts) {
        let Meaning::Residual { threshold } = self.meaning else {
            return self.estimate(rows, &self.meaning, verdicts);
        };
        let (mut features, mut values) = (Vec::new(), Verdicts::default());
        let at_once = (NUMBERS / self.width()).max(1);
        for rows in rows.chunks(at_once * self.width()) {
            features.clear();
            values.clear();
            let parts = rows.chunks_exact(self.width());
            let parts = parts.filter_map(|row| row.split_last());
            features.extend(parts.clone().flat_map(|(_, features)| features));
            self.estimate(&features, &Meaning::Value, &mut values);
            for ((target, _), expected) in parts.zip(values.scores()) {
                verdicts.push_residual(*expected, *target, threshold);
            }
        }
    }

    /// Appends what the estimator says of rows of features, which means `meaning`.
    fn estimate(&self, rows: &[f64], meaning: &Meaning, verdicts: &mut Verdicts) {
        if self.transforms.is_empty() {
            let count = rows.len() / self.features;
            return verdicts.add(count, meaning, |scores, classes| {
                self.estimator.decisions(rows, scores, classes);
            });
        }
        let mut passage = Passage::default();
        let width = self.features.max(self.estimator.features());
        let at_once = (NUMBERS / width).max(1);
        for rows in rows.chunks(at_once * self.features) {
            verdicts.add(rows.len() / self.features, meaning, |scores, classes| {
                let rows = passage.through(&self.transforms, self.features, rows);
                self.estimator.decisions(rows, scores, classes);
                for &row in passage.broken() {
                    if let Some(score) = scores.get_mut(row) {
                        *score = f64::NAN;
                    }
                }
            });
        }
    }
}

fn is_scale(step: &mut Transform) -> bool {
    matches!(step, Transform::Scale(_))
}

#[cfg(test)]
mod tests {
    use super::super::transforms::Columns;
    use super::super::{Kernel, Kind};
    use super::*;

    fn model(names: &[&str]) -> Model {
        let vectors = vec![0.1, -0.7, 0.3, 1.1];
        let svm = OneClassSvm::new(
            Scaler::None,
            Kernel::Linear,
            2,
            vectors,
            vec![1.0, 0.8],
            0.9,
        );
        let origin = Origin {
            feature_names: Some(names.iter().map(ToString::to_string).collect()),
            ..Origin::new(ModelFormat::Native)
        };
        Model::of_svm(svm.unwrap(), origin).unwrap()
    }

    fn standard() -> Transform {
        Transform::Scale(Scaler::Standard {
            center: Some(vec![1.0, 20.0]),
            scale: Some(vec![0.5, 3.0]),
        })
    }

    fn before(transforms: Vec<Transform>) -> Preparation {
        Preparation {
            transforms,
            feature_names: None,
        }
    }

    /// A model's names are those of the readings behind a scaler, and not behind a step that moves columns.
    #[test]
    fn names_behind_a_step_that_moves_columns_are_not_those_of_the_readings() {
        let behind = |step| model(&["a", "b"]).behind(before(vec![step])).unwrap();
        let names = behind(standard()).origin.feature_names;
        assert_eq!(names, Some(vec!["a".to_owned(), "b".to_owned()]));
        let moves = Transform::Columns(Columns::new(2, vec![1, 0]).unwrap());
        assert_eq!(behind(moves).origin.feature_names, None);
    }

    #[test]
    fn other_names_than_the_scalers_are_refused() {
        let scaler = Preparation {
            transforms: vec![standard()],
            feature_names: Some(vec!["b".into(), "a".into()]),
        };
        let error = model(&["a", "b"]).behind(scaler).unwrap_err();
        assert!(error.to_string().contains("other names"), "{error}");
    }

    #[test]
    fn readings_are_raw_until_something_scales_them() {
        let plain = model(&["a", "b"]);
        assert!(plain.takes_raw_readings());
        let moved = plain.clone().in_order(vec![1, 0]).unwrap();
        assert!(moved.takes_raw_readings());
        let scaled = plain.behind(before(vec![standard()])).unwrap();
        assert!(!scaled.takes_raw_readings());
        assert_eq!(scaled.meaning.kind(), Kind::Anomaly);
    }

    /// What a run says of a model's numbers stays, in whatever order the columns lie.
    #[test]
    fn another_order_keeps_the_meaning() {
        let mut model = model(&["a", "b"]);
        model.meaning = Meaning::Residual { threshold: 2.5 };
        let moved = model.clone().in_order(vec![1, 0]).unwrap();
        assert_eq!(moved.meaning, model.meaning);
    }
}
