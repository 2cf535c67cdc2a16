//! Forests, boosted trees and linear models in the file.

use fleetscore_crds::ModelFormat;

use super::common::{
    Common, clip, ends, flags, length, malformed, numbers, scaler_code, size, text,
};
use super::head::{head, integer, put, read_head};
use super::nodes::{self, Table};
use super::{
    BOOSTED, CENTRES, ELLIPTIC, FAMILY_VERSION, FOREST, LEAF, LINEAR_MODEL, MAGIC, MIXTURE, NAMES,
    PERCEPTRON, RECONSTRUCTION, VECTORS, density, perceptron, vectors,
};
use crate::models::formats::cursor::Cursor;
use crate::models::formats::limits::Meter;
use crate::models::linear::{Linear, LinearKind, Shares};
use crate::models::trees::{Boosted, Ensemble, Forest, ForestKind, Grown, Link};
use crate::models::{Estimator, Model, ModelError, Scaler, Transform};

const SINGLE: u8 = 0;
const DOUBLE: u8 = 1;

/// All bytes of a model but its checksum.
///
/// Errors when more than a scaler comes before it, or it has more features than the format can count.
pub fn bytes(model: &Model) -> Result<Vec<u8>, ModelError> {
    let none = Scaler::None;
    let scaler = match model.transforms.as_slice() {
        [] => &none,
        [Transform::Scale(scaler)] => scaler,
        _ => return Err(unwritable("it holds a model behind one scaler")),
    };
    if model.features >= usize::from(LEAF) {
        return Err(unwritable(&format!("it holds fewer than {LEAF} features")));
    }
    let (family, body) = match &model.estimator {
        Estimator::Forest(forest) => (FOREST, of_forest(forest)),
        Estimator::Boosted(boosted) => (BOOSTED, of_boosted(boosted)),
        Estimator::Linear(linear) => (LINEAR_MODEL, of_linear(linear)),
        Estimator::Elliptic(elliptic) => (ELLIPTIC, density::of_elliptic(elliptic)),
        Estimator::Mixture(mixture) => (MIXTURE, density::of_mixture(mixture)),
        Estimator::Centres(centres) => (CENTRES, density::of_centres(centres)),
        Estimator::Reconstruction(pca) => (RECONSTRUCTION, density::of_reconstruction(pca)),
        Estimator::Vectors(machine) => (VECTORS, vectors::of(machine)),
        Estimator::Perceptron(it) => (PERCEPTRON, perceptron::of(it)),
        other => return Err(unwritable(&format!("it holds no {}", other.name()))),
    };
    let text = text(model);
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FAMILY_VERSION.to_le_bytes());
    bytes.extend([family, scaler_code(scaler)]);
    for number in [
        flags(model, scaler),
        length(model.features),
        length(text.len()),
    ] {
        bytes.extend(number.to_le_bytes());
    }
    let (low, high) = clip(scaler);
    put(&mut bytes, &[low, high]);
    for (_, vector) in &scaler.vectors() {
        put(&mut bytes, vector);
    }
    bytes.extend(body);
    bytes.extend(text);
    Ok(bytes)
}

/// Reads a model of `family`, behind the byte of that.
pub fn read(
    family: u8,
    input: &mut Cursor<'_>,
    meter: &mut Meter<'_>,
) -> Result<Model, ModelError> {
    let mut header = || {
        let scaler = input.byte()?;
        let mut integer = || input.array().map(u32::from_le_bytes);
        let (flags, features, text_bytes) = (integer()?, integer()?, integer()?);
        let mut number = || input.array().map(f64::from_le_bytes);
        let clip = (number()?, number()?);
        let common = Common {
            scaler,
            flags,
            text_bytes,
            clip,
        };
        Some((common, features))
    };
    let (common, count) = header().ok_or_else(ends)?;
    let features = size(count)?;
    if common.has(NAMES) {
        meter.grow::<String>(features)?;
    }
    let scaler = common.scaler(input, features)?;
    let estimator = match family {
        FOREST => forest(input, count, meter)?,
        BOOSTED => boosted(input, count, meter)?,
        ELLIPTIC => density::elliptic(input, features, meter)?,
        MIXTURE => density::mixture(input, features, meter)?,
        CENTRES => density::centres(input, features, meter)?,
        RECONSTRUCTION => density::reconstruction(input, features, meter)?,
        VECTORS => vectors::read(input, features, meter)?,
        PERCEPTRON => perceptron::read(input, features, meter)?,
        _ => linear(input, features, meter)?,
    };
    let origin = common.origin(input, features)?;
    if input.remaining() != 0 {
        return Err(malformed(format!("{} bytes too many", input.remaining())));
    }
    let transforms = match scaler {
        Scaler::None => Vec::new(),
        scaler => vec![Transform::scale(scaler)?],
    };
    Model::new(transforms, estimator, origin)
}

fn of_forest(forest: &Forest) -> Vec<u8> {
    let mut table = Table::new(forest.trees.width());
    let (counts, nodes) = nodes::write(&forest.trees, &mut table);
    let mut body = head(forest.kind as u8, 0, forest.labels.as_deref());
    body.extend(length(forest.trees.count()).to_le_bytes());
    body.extend(length(table.len()).to_le_bytes());
    put(&mut body, &table.rows);
    body.extend(counts);
    body.extend(nodes);
    body
}

fn forest(
    input: &mut Cursor<'_>,
    features: u32,
    meter: &mut Meter<'_>,
) -> Result<Estimator, ModelError> {
    let (kind, _, labels) = read_head(input, meter)?;
    let kind = ForestKind::ALL.get(usize::from(kind));
    let kind = *kind.ok_or_else(|| malformed("an unknown kind of forest"))?;
    let width = labels.as_ref().map_or(1, |labels| labels.len());
    let (trees, rows) = (integer(input)?, integer(input)?);
    let table = nodes::read_table(input, rows, width)?;
    let trees = nodes::read(input, (trees, features), (&table, width), meter)?;
    Forest::new(kind, trees, size(features)?, labels)
        .map(Estimator::Forest)
        .map_err(|problem| ModelError::Invalid(format!("the forest: {problem}")))
}

fn of_boosted(boosted: &Boosted) -> Vec<u8> {
    let mut table = Table::new(1);
    let (precision, parts): (u8, Vec<_>) = match &boosted.trees {
        Grown::Single(trees) => {
            let parts = trees.iter();
            (
                SINGLE,
                parts.map(|it| nodes::write(it, &mut table)).collect(),
            )
        }
        Grown::Double(trees) => {
            let parts = trees.iter();
            (
                DOUBLE,
                parts.map(|it| nodes::write(it, &mut table)).collect(),
            )
        }
    };
    let mut body = head(boosted.link as u8, precision, boosted.labels.as_deref());
    body.extend(length(boosted.start.len()).to_le_bytes());
    body.extend(length(table.len()).to_le_bytes());
    put(&mut body, &boosted.start);
    put(&mut body, &table.rows);
    for (counts, nodes) in parts {
        body.extend(length(counts.len() / 4).to_le_bytes());
        body.extend(counts);
        body.extend(nodes);
    }
    body
}

fn boosted(
    input: &mut Cursor<'_>,
    features: u32,
    meter: &mut Meter<'_>,
) -> Result<Estimator, ModelError> {
    let (link, precision, labels) = read_head(input, meter)?;
    let link = Link::ALL.get(usize::from(link));
    let link = *link.ok_or_else(|| malformed("an unknown link"))?;
    let (sums, rows) = (integer(input)?, integer(input)?);
    let start = numbers(input, Some(size(sums)?))?;
    let table = nodes::read_table(input, rows, 1)?;
    let trees = match precision {
        SINGLE => Grown::Single(each(sums, input, features, &table, meter)?),
        DOUBLE => Grown::Double(each(sums, input, features, &table, meter)?),
        other => return Err(malformed(format!("unknown precision {other}"))),
    };
    Boosted::new(trees, size(features)?, start, link, labels)
        .map(Estimator::Boosted)
        .map_err(|problem| ModelError::Invalid(format!("the boosted trees: {problem}")))
}

fn each<T: nodes::Packed>(
    sums: u32,
    input: &mut Cursor<'_>,
    features: u32,
    table: &[f64],
    meter: &mut Meter<'_>,
) -> Result<Vec<Ensemble<T>>, ModelError> {
    let one = |_| {
        let trees = integer(input)?;
        nodes::read(input, (trees, features), (table, 1), meter)
    };
    (0..sums).map(one).collect()
}

fn of_linear(linear: &Linear) -> Vec<u8> {
    let kind = linear.kind as u8;
    let mut body = head(kind, linear.shares as u8, linear.labels.as_deref());
    body.extend(length(linear.intercepts.len()).to_le_bytes());
    put(&mut body, &linear.weights);
    put(&mut body, &linear.intercepts);
    body
}

fn linear(
    input: &mut Cursor<'_>,
    features: usize,
    meter: &mut Meter<'_>,
) -> Result<Estimator, ModelError> {
    let (kind, shares, labels) = read_head(input, meter)?;
    let kind = LinearKind::ALL.get(usize::from(kind));
    let kind = *kind.ok_or_else(|| malformed("an unknown kind of linear model"))?;
    let shares = Shares::ALL.get(usize::from(shares));
    let shares = *shares.ok_or_else(|| malformed("unknown shares"))?;
    let sums = size(integer(input)?)?;
    let weights = numbers(input, sums.checked_mul(features))?;
    let intercepts = numbers(input, Some(sums))?;
    Linear::new(kind, features, weights, intercepts, shares, labels)
        .map(Estimator::Linear)
        .map_err(|problem| ModelError::Invalid(format!("the linear model: {problem}")))
}

fn unwritable(problem: &str) -> ModelError {
    ModelError::Unwritable {
        format: ModelFormat::Native,
        problem: format!("{problem}; use the file as it is"),
    }
}
