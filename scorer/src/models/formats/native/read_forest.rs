use super::common::{Common, ends, malformed, numbers, size};
use super::{LEAF, NAMES, ZERO_IS_ANOMALY};
use crate::models::formats::cursor::Cursor;
use crate::models::formats::limits::{self, Meter};
use crate::models::trees::{Border, Ensemble, Split};
use crate::models::{Estimator, IsolationForest, Model, ModelError, Scaler, Transform};

/// Bytes of a node in the file.
const NODE: usize = 6;

/// Reads an isolation forest behind the byte of its family.
pub fn read(input: &mut Cursor<'_>, meter: &mut Meter<'_>) -> Result<Model, ModelError> {
    let header = Header::read(input).ok_or_else(ends)?;
    let features = size(header.features)?;
    if header.common.has(NAMES) {
        meter.grow::<String>(features)?;
    }
    let scaler = header.common.scaler(input, features)?;
    let values = numbers(input, Some(size(header.values)?))?;
    let trees = trees(&header, &values, input, meter)?;
    let origin = header.common.origin(input, features)?;
    if input.remaining() != 0 {
        return Err(malformed(format!("{} bytes too many", input.remaining())));
    }
    let [first, second, offset, threshold] = header.numbers;
    let border = Border {
        offset,
        threshold,
        zero_is_anomaly: header.common.has(ZERO_IS_ANOMALY),
    };
    let forest = IsolationForest::new(trees, features, [first, second], border);
    let forest = forest.map_err(|problem| ModelError::Invalid(format!("the forest: {problem}")))?;
    let transforms = match scaler {
        Scaler::None => Vec::new(),
        scaler => vec![Transform::scale(scaler)?],
    };
    Model::new(transforms, Estimator::IsolationForest(forest), origin)
}

/// The part of fixed size.
struct Header {
    common: Common,
    features: u32,
    trees: u32,
    values: u32,
    /// Both divisors, offset and threshold.
    numbers: [f64; 4],
}

impl Header {
    fn read(input: &mut Cursor<'_>) -> Option<Self> {
        let scaler = input.byte()?;
        let mut integer = || input.array().map(u32::from_le_bytes);
        let (flags, features, trees) = (integer()?, integer()?, integer()?);
        let (values, text_bytes) = (integer()?, integer()?);
        let mut number = || input.array().map(f64::from_le_bytes);
        let common = Common {
            scaler,
            flags,
            text_bytes,
            clip: (number()?, number()?),
        };
        let numbers = [number()?, number()?, number()?, number()?];
        Some(Self {
            common,
            features,
            trees,
            values,
            numbers,
        })
    }
}

fn trees(
    header: &Header,
    values: &[f64],
    input: &mut Cursor<'_>,
    meter: &mut Meter<'_>,
) -> Result<Ensemble, ModelError> {
    let count = limits::check_numbers("the forest", Some(size(header.trees)?))?;
    let counts = input.take(count * 4).ok_or_else(ends)?;
    let (counts, _) = counts.as_chunks();
    let mut trees = Ensemble::default();
    for (at, count) in counts.iter().enumerate() {
        let count = size(u32::from_le_bytes(*count))?;
        let bytes = count.checked_mul(NODE).ok_or_else(ends)?;
        let (nodes, _) = input.take(bytes).ok_or_else(ends)?.as_chunks();
        // What is read of a node, and what is kept, in vectors that grow by doubling.
        meter.take(count * (size_of::<Split>() + 3 * Ensemble::NODE_BYTES))?;
        let splits = splits(nodes, values)?;
        trees
            .add(&splits, |feature| {
                Some(feature).filter(|feature| *feature < header.features)
            })
            .map_err(|problem| ModelError::Invalid(format!("tree {at} {problem}")))?;
    }
    Ok(trees)
}

/// The nodes of a tree: those that follow one come behind those that follow the nodes before it.
fn splits(nodes: &[[u8; NODE]], values: &[f64]) -> Result<Vec<Split>, ModelError> {
    let mut behind = 1;
    let split = |[f0, f1, number @ ..]: &[u8; NODE]| {
        let (feature, number) = (u16::from_le_bytes([*f0, *f1]), u32::from_le_bytes(*number));
        let (children, value) = if feature == LEAF {
            let value = values.get(size(number)?);
            let value = value.ok_or_else(|| malformed(format!("there is no value {number}")))?;
            (None, *value)
        } else {
            behind += 2;
            (Some([behind - 2, behind - 1]), 0.0)
        };
        Ok(Split {
            children,
            feature: feature.into(),
            threshold: f32::from_bits(number).into(),
            value,
        })
    };
    nodes.iter().map(split).collect()
}
