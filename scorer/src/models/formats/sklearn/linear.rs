use std::sync::Arc;

use super::estimator::Estimator;
use super::labels;
use super::version::Version;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::Class;
use crate::models::linear::{Linear, LinearKind, Shares};
use crate::models::{self, Labels, ModelError};

/// From here on `multi_class` is no parameter, and nothing looks at it.
const WITHOUT_MULTI_CLASS: Version = Version(1, 8);
/// From here on the solver `newton-cholesky` fits all classes together.
const TOGETHER_BY_CHOLESKY: Version = Version(1, 6);

/// Reads a fitted linear model: weights, intercepts, and how shares are made of the sums.
pub fn read(
    linear: &Estimator<'_, '_>,
    meter: &mut Meter<'_>,
) -> Result<models::Estimator, ModelError> {
    let kind = match linear.class {
        Class::Ridge => LinearKind::Ridge,
        Class::RidgeCv => LinearKind::RidgeCv,
        Class::RidgeClassifier => LinearKind::RidgeClassifier,
        Class::BayesianRidge => LinearKind::BayesianRidge,
        Class::Lasso => LinearKind::Lasso,
        Class::LassoCv => LinearKind::LassoCv,
        Class::ElasticNet => LinearKind::ElasticNet,
        Class::ElasticNetCv => LinearKind::ElasticNetCv,
        Class::HuberRegressor => LinearKind::HuberRegressor,
        Class::SgdRegressor => LinearKind::SgdRegressor,
        Class::LogisticRegression => LinearKind::LogisticRegression,
        Class::LogisticRegressionCv => LinearKind::LogisticRegressionCv,
        Class::LinearSvc => LinearKind::LinearSvc,
        Class::LinearSvr => LinearKind::LinearSvr,
        Class::SgdClassifier => LinearKind::SgdClassifier,
        Class::SgdOneClassSvm => LinearKind::SgdOneClassSvm,
        _ => LinearKind::LinearRegression,
    };
    let labels = kind
        .classifies()
        .then(|| classes(linear, kind, meter))
        .transpose()?;
    let sums = match labels.as_ref().map_or(1, |labels| labels.len()) {
        2 => 1,
        classes => classes,
    };
    let weights = linear.array("coef_", meter)?;
    let features = match *weights.shape.as_slice() {
        [features] => features,
        [rows, features] if rows == sums => features,
        [_, _] if labels.is_none() => return Err(labels::several_targets(linear)),
        _ => {
            return Err(ModelError::unfit(format!(
                "`coef_` of {} has the shape {:?}, and there are {sums} sums",
                linear.class.name(),
                weights.shape
            )));
        }
    };
    let intercepts = if kind == LinearKind::SgdOneClassSvm {
        vec![-linear.number("offset_", meter)?]
    } else {
        intercepts(linear, sums, meter)?
    };
    let shares = match kind {
        LinearKind::LogisticRegression | LinearKind::LogisticRegressionCv => {
            of_logistic(linear, sums)?
        }
        LinearKind::SgdClassifier if matches!(linear.text("loss")?, "log" | "log_loss") => {
            Shares::Each
        }
        _ => Shares::None,
    };
    let made = Linear::new(kind, features, weights.values, intercepts, shares, labels);
    let made =
        made.map_err(|problem| ModelError::unfit(format!("{}: {problem}", linear.class.name())))?;
    Ok(models::Estimator::Linear(made))
}

fn classes(
    linear: &Estimator<'_, '_>,
    kind: LinearKind,
    meter: &mut Meter<'_>,
) -> Result<Arc<Labels>, ModelError> {
    const NAME: &str = "_label_binarizer";
    if kind != LinearKind::RidgeClassifier {
        return labels::read(linear, meter);
    }
    let binarizer = linear.part(NAME, linear.required(NAME)?, Class::LabelBinarizer)?;
    match binarizer.text("y_type_")? {
        "binary" | "multiclass" => labels::read(&binarizer, meter),
        _ => Err(labels::several_targets(linear)),
    }
}

/// A number, or one a sum; without an intercept it is the number 0 where there are several sums, too.
fn intercepts(
    linear: &Estimator<'_, '_>,
    sums: usize,
    meter: &mut Meter<'_>,
) -> Result<Vec<f64>, ModelError> {
    const NAME: &str = "intercept_";
    if sums == 1 {
        return Ok(vec![linear.number(NAME, meter)?]);
    }
    match linear.number(NAME, meter) {
        Ok(number) => Ok(vec![number; sums]),
        Err(_) => Ok(linear.array(NAME, meter)?.values),
    }
}

/// Whether classes are told apart one by one, or all together: as the version decides that saved the file.
fn of_logistic(linear: &Estimator<'_, '_>, sums: usize) -> Result<Shares, ModelError> {
    let is_one = sums == 1;
    let each = if linear.get("multi_class").is_none() {
        is_one
    } else {
        let version = Version::of(linear)?;
        match linear.text("multi_class")? {
            // Of a model that an older version fitted it is a left-over.
            _ if version >= WITHOUT_MULTI_CLASS => is_one,
            "ovr" | "warn" => true,
            // Up to 0.19 two classes are told apart by themselves in any case.
            "multinomial" => is_one && version < Version(0, 20),
            _ if is_one => true,
            _ => match linear.text("solver")? {
                "liblinear" => true,
                "newton-cholesky" => version < TOGETHER_BY_CHOLESKY,
                _ => false,
            },
        }
    };
    Ok(if each { Shares::Each } else { Shares::Together })
}
