//! Forests, boosted trees and linear models in the file.

use std::sync::Arc;

use fleetscore_crds::ModelFormat;

use super::common::{Common, ends, malformed, numbers, size, string};
use super::nodes::{self, Table};
use super::write::{clip, flags, length, scaler_code, text};
use super::{BOOSTED, FAMILY_VERSION, FOREST, LEAF, LINEAR_MODEL, MAGIC, NAMES};
use crate::models::formats::cursor::Cursor;
use crate::models::formats::limits::{self, Meter};
use crate::models::linear::{Linear, LinearKind, Shares};
use crate::models::trees::{Boosted, Ensemble, Forest, ForestKind, Grown, Link};
use crate::models::{Estimator, Labels, Model, ModelError, Scaler, Transform};

const NO_LABELS: u8 = 0;
const INTEGERS: u8 = 1;
const TEXTS: u8 = 2;
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

/// What every family begins with: two bytes of its own, and the labels.
fn head(first: u8, second: u8, labels: Option<&Labels>) -> Vec<u8> {
    let kind = match labels {
        None => NO_LABELS,
        Some(Labels::Integers(_)) => INTEGERS,
        Some(Labels::Texts(_)) => TEXTS,
    };
    let mut head = vec![first, second, kind];
    head.extend(length(labels.map_or(0, Labels::len)).to_le_bytes());
    match labels {
        None => {}
        Some(Labels::Integers(labels)) => {
            head.extend(labels.iter().flat_map(|label| label.to_le_bytes()));
        }
        Some(Labels::Texts(labels)) => {
            for label in labels {
                head.extend(length(label.len()).to_le_bytes());
                head.extend(label.bytes());
            }
        }
    }
    head
}

type Head = (u8, u8, Option<Arc<Labels>>);

fn read_head(input: &mut Cursor<'_>, meter: &mut Meter<'_>) -> Result<Head, ModelError> {
    let [first, second, kind] = input.array().ok_or_else(ends)?;
    let count = limits::check_numbers("the classes", Some(size(integer(input)?)?))?;
    // Neither can be more than there are bytes.
    if count > input.remaining() {
        return Err(ends());
    }
    meter.take(count.saturating_mul(size_of::<String>() + size_of::<i64>()))?;
    let labels = match kind {
        NO_LABELS if count == 0 => return Ok((first, second, None)),
        INTEGERS => (0..count)
            .map(|_| input.array().map(i64::from_le_bytes).ok_or_else(ends))
            .collect::<Result<_, _>>()
            .map(Labels::Integers)?,
        TEXTS => (0..count)
            .map(|_| string(input))
            .collect::<Result<_, _>>()
            .map(Labels::Texts)?,
        other => return Err(malformed(format!("unknown labels {other}"))),
    };
    labels.check().map_err(ModelError::Invalid)?;
    Ok((first, second, Some(Arc::new(labels))))
}

fn integer(input: &mut Cursor<'_>) -> Result<u32, ModelError> {
    input.array().map(u32::from_le_bytes).ok_or_else(ends)
}

fn put(bytes: &mut Vec<u8>, numbers: &[f64]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}

fn unwritable(problem: &str) -> ModelError {
    ModelError::Unwritable {
        format: ModelFormat::Native,
        problem: format!("{problem}; use the file as it is"),
    }
}
