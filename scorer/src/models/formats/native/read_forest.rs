use super::common::{Common, ends, malformed, numbers, size};
use super::nodes;
use super::{NAMES, ZERO_IS_ANOMALY};
use crate::models::formats::cursor::Cursor;
use crate::models::formats::limits::Meter;
use crate::models::trees::Border;
use crate::models::{Estimator, IsolationForest, Model, ModelError, Scaler, Transform};

/// Reads an isolation forest behind the byte of its family.
pub fn read(input: &mut Cursor<'_>, meter: &mut Meter<'_>) -> Result<Model, ModelError> {
    let header = Header::read(input).ok_or_else(ends)?;
    let features = size(header.features)?;
    if header.common.has(NAMES) {
        meter.grow::<String>(features)?;
    }
    let scaler = header.common.scaler(input, features)?;
    let values = numbers(input, Some(size(header.values)?))?;
    let trees = nodes::read(input, (header.trees, header.features), (&values, 1), meter)?;
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
