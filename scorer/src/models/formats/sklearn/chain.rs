use super::column_transformer::{self, Part};
use super::estimator::Estimator;
use super::steps::Steps;
use super::transformers;
use crate::models::formats::limits::Meter;
use crate::models::formats::python::{Class, Value};
use crate::models::transforms::Branches;
use crate::models::{ModelError, Transform};

/// The transforms of fitted steps, in their order. `depth` is how many others they lie within.
pub fn read<'h, 'a>(
    found: &[Estimator<'h, 'a>],
    steps: &mut Steps<'h, 'a>,
    depth: usize,
    meter: &mut Meter<'_>,
) -> Result<Vec<Transform>, ModelError> {
    let mut transforms = Vec::with_capacity(found.len());
    for step in found {
        transforms.push(if step.class == Class::ColumnTransformer {
            branches(step, steps, depth, meter)?
        } else {
            transformers::read(step, meter)?
        });
    }
    Ok(transforms)
}

fn branches<'h, 'a>(
    step: &Estimator<'h, 'a>,
    steps: &mut Steps<'h, 'a>,
    depth: usize,
    meter: &mut Meter<'_>,
) -> Result<Transform, ModelError> {
    let mut chains = Vec::new();
    for part in column_transformer::parts(step, meter)? {
        let mut found = Vec::new();
        let Part {
            columns,
            transformer,
            place,
        } = part;
        if let Some(transformer) = transformer.filter(|it| *it != Value::None) {
            steps.collect(transformer, &place, depth + 1, &mut found)?;
        }
        chains.push((columns, read(&found, steps, depth + 1, meter)?));
    }
    Branches::new(chains).map(Transform::Branches)
}
