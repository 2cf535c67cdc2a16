//! What a run wants of a model's numbers.

use std::sync::Arc;

use fleetscore_crds::{ModelOutput, ModelSpec};

use super::{Estimator, Kind, Labels, Meaning, Measure, Model, ModelError, shown};

/// Labels that a message lists.
const LISTED: usize = 12;

impl Model {
    /// The model with the meaning that `spec` gives its numbers. With a residual, a row has the target behind its features.
    ///
    /// Errors when the model's numbers cannot mean that.
    pub fn with_output(mut self, spec: &ModelSpec) -> Result<Self, ModelError> {
        let name = self.estimator.name();
        let of_classes = spec.output == ModelOutput::Class || !spec.anomaly_classes.is_empty();
        let own = match self.estimator.groups() {
            Some(count) if of_classes => Meaning::of_groups(count),
            _ => self.estimator.meaning(),
        };
        check_kind(spec, name, &own)?;
        let own = match (own, spec.threshold) {
            (Meaning::Measured { measure, .. }, Some(threshold)) => {
                bordered(name, measure, threshold)?
            }
            (Meaning::Measured { measure, .. }, None) if spec.residual.is_none() => {
                return Err(no_border(&self.estimator, measure));
            }
            (own, _) => own,
        };
        let is_measured = matches!(own, Meaning::Measured { .. });
        if spec.threshold.is_some() && !is_measured {
            return Err(other(match own {
                Meaning::Value => format!(
                    "spec.model.threshold is for detectors without a border, and the model is a {name}, which gives values: to compare them \
                     with a column of the readings, set spec.model.residual"
                ),
                _ => format!(
                    "spec.model.threshold is for detectors without a border, and {name} has its own: leave it out"
                ),
            }));
        }
        self.meaning = fit(spec, name, own)?;
        Ok(self)
    }
}

impl Meaning {
    /// What the numbers mean that Python returns for a model called `name`, and `spec` makes of them; `labels` are the classes that
    /// Python tells of it.
    ///
    /// Errors when they cannot mean that.
    pub fn of_python(
        spec: &ModelSpec,
        name: &str,
        labels: Option<&Arc<Labels>>,
    ) -> Result<Self, ModelError> {
        let own = match labels {
            Some(labels) => Self::of_labels(labels),
            None if spec.residual.is_some() || spec.output == ModelOutput::Value => Self::Value,
            None if spec.output == ModelOutput::Class || !spec.anomaly_classes.is_empty() => {
                let field = match spec.output {
                    ModelOutput::Class => "output is Class",
                    _ => "anomalyClasses names labels",
                };
                return Err(other(format!(
                    "spec.model.{field}, and {name} tells no classes: leave it out, or say in the module what they are (classes = [...])"
                )));
            }
            None => Self::Anomaly { at_zero: false },
        };
        check_kind(spec, name, &own)?;
        fit(spec, name, own)
    }
}

/// Errors when a model that says what `own` means is of another kind than `spec` asks for.
fn check_kind(spec: &ModelSpec, name: &str, own: &Meaning) -> Result<(), ModelError> {
    let wanted = match spec.output {
        ModelOutput::Auto => None,
        ModelOutput::Anomaly if spec.residual.is_some() => None,
        ModelOutput::Anomaly => Some(Kind::Anomaly),
        ModelOutput::Class => Some(Kind::Class),
        ModelOutput::Value => Some(Kind::Value),
    };
    match wanted.filter(|wanted| *wanted != own.kind()) {
        Some(wanted) => Err(other(format!(
            "spec.model.output is {wanted:?}, and the model is a {name}, whose output is {:?}: say so, or leave it out",
            own.kind()
        ))),
        None => Ok(()),
    }
}

/// What `spec` makes of numbers that by themselves mean `own`.
fn fit(spec: &ModelSpec, name: &str, own: Meaning) -> Result<Meaning, ModelError> {
    match (&spec.residual, own) {
        (Some(residual), Meaning::Value) => Ok(Meaning::Residual {
            threshold: residual.threshold,
        }),
        (Some(_), own) => Err(other(format!(
            "spec.model.residual compares a regressor's values with a column, and the model is a {name}, whose output is {:?}: leave it out",
            own.kind()
        ))),
        (None, Meaning::Class { labels, anomalies }) => {
            let anomalies = match spec.anomaly_classes.as_slice() {
                [] => anomalies,
                named => anomalous(&labels, named)?,
            };
            Ok(Meaning::Class { labels, anomalies })
        }
        (None, _) if !spec.anomaly_classes.is_empty() => Err(other(format!(
            "spec.model.anomalyClasses names labels, and the model is a {name}, which has none: leave it out"
        ))),
        (None, own) => Ok(own),
    }
}

/// Whether each class is one of those named.
fn anomalous(labels: &Labels, named: &[String]) -> Result<Arc<[bool]>, ModelError> {
    let texts = || (0..labels.len()).map(|class| labels.text(class));
    if let Some(absent) = named.iter().find(|named| !texts().any(|it| it == **named)) {
        let known: Vec<String> = texts()
            .take(LISTED)
            .map(|label| format!("`{}`", shown(&label, 40)))
            .collect();
        return Err(other(format!(
            "spec.model.anomalyClasses names `{}`, which is no label of the model: its labels are {}{}",
            shown(absent, 40),
            known.join(", "),
            if labels.len() > LISTED {
                " and more"
            } else {
                ""
            }
        )));
    }
    Ok(texts()
        .map(|label| named.iter().any(|it| label == *it))
        .collect())
}

/// What a detector measures, with the border that a run gives it.
fn bordered(name: &str, measure: Measure, threshold: f64) -> Result<Meaning, ModelError> {
    if !threshold.is_finite() {
        return Err(other(format!(
            "spec.model.threshold is {threshold}, which is no number that a {name} measures: set a finite one"
        )));
    }
    if threshold < 0.0 && measure != Measure::Likelihood {
        return Err(other(format!(
            "spec.model.threshold is {threshold}, and the {} that {name} measures is never below 0, so every reading would be an anomaly: \
             set one above 0",
            measure.name()
        )));
    }
    Ok(Meaning::Measured {
        measure,
        threshold: Some(threshold),
    })
}

/// The refusal of a detector without a border where the run gives none.
fn no_border(estimator: &Estimator, measure: Measure) -> ModelError {
    let groups = match estimator.groups() {
        Some(_) => ", or spec.model.output: Class for its groups",
        None => "",
    };
    ModelError::NoBorder(format!(
        "the model is a {}, which has no border between anomalies and others: set spec.model.threshold ({}){groups}",
        estimator.name(),
        measure.rule(),
    ))
}

fn other(problem: String) -> ModelError {
    ModelError::Invalid(problem)
}
