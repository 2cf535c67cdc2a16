use super::estimator::Estimator;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Global, Object};
use crate::models::transforms::Function;
use crate::models::{ModelError, Scaler, Transform};

/// Reads a `FunctionTransformer`: of no function, or of one of numpy's that is listed in [`Function`].
pub fn read(step: &Estimator<'_, '_>, _: &mut Meter<'_>) -> Result<Transform, ModelError> {
    let heap = step.heap();
    if let Some(arguments) = step.get("kw_args")
        && heap.dict(arguments).is_none_or(|items| !items.is_empty())
    {
        return Err(ModelError::Unsupported(
            "FunctionTransformer with kw_args: train with a function of numpy's that takes the readings alone".into(),
        ));
    }
    let Some(function) = step.get("func") else {
        return Ok(Transform::Scale(Scaler::None));
    };
    match heap.get(function) {
        Some(&Object::Global(Global::Ufunc(name))) => match Function::named(name) {
            Some(function) => Ok(Transform::Function(function)),
            None => Err(ModelError::Unsupported(format!(
                "FunctionTransformer of numpy.{name}: supported are log1p, log, sqrt, square, exp and absolute"
            ))),
        },
        _ => Err(step.unexpected(
            "func",
            "one of numpy's functions log1p, log, sqrt, square, exp and absolute",
            function,
        )),
    }
}
