//! What models of every family have in common in the file, and how its parts are read and written.

use fleetscore_crds::ModelFormat;

use super::{CENTER, CLIP, MIN_MAX, NAMES, NO_SCALER, PRODUCER, SCALE, SINGLE_PRECISION, STANDARD};
use crate::models::formats::cursor::Cursor;
use crate::models::formats::limits;
use crate::models::{Model, ModelError, Origin, Scaler};

/// The parts of a header that every family has.
pub struct Common {
    pub scaler: u8,
    pub flags: u32,
    pub text_bytes: u32,
    pub clip: (f64, f64),
}

impl Common {
    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// The scaler, which comes first.
    pub fn scaler(&self, input: &mut Cursor<'_>, features: usize) -> Result<Scaler, ModelError> {
        let mut vector = || numbers(input, Some(features));
        match self.scaler {
            NO_SCALER => Ok(Scaler::None),
            STANDARD => {
                let center = self.has(CENTER).then(&mut vector).transpose()?;
                Ok(Scaler::Standard {
                    center,
                    scale: self.has(SCALE).then(&mut vector).transpose()?,
                })
            }
            MIN_MAX => {
                let scale = vector()?;
                Ok(Scaler::MinMax {
                    scale,
                    min: vector()?,
                    clip: self.has(CLIP).then_some(self.clip),
                })
            }
            other => Err(malformed(format!("unknown scaler {other}"))),
        }
    }

    /// The texts, which come last.
    pub fn origin(&self, input: &mut Cursor<'_>, features: usize) -> Result<Origin, ModelError> {
        if input.remaining() != size(self.text_bytes)? {
            return Err(ends());
        }
        Ok(Origin {
            format: ModelFormat::Native,
            parts: None,
            single_precision: self.has(SINGLE_PRECISION),
            producer: self.has(PRODUCER).then(|| string(input)).transpose()?,
            feature_names: self
                .has(NAMES)
                .then(|| (0..features).map(|_| string(input)).collect())
                .transpose()?,
        })
    }
}

pub fn numbers(input: &mut Cursor<'_>, count: Option<usize>) -> Result<Vec<f64>, ModelError> {
    let count = limits::check_numbers("an array", count)?;
    let (numbers, _) = input.take(count * 8).ok_or_else(ends)?.as_chunks();
    Ok(numbers
        .iter()
        .map(|&number| f64::from_le_bytes(number))
        .collect())
}

pub fn string(input: &mut Cursor<'_>) -> Result<String, ModelError> {
    let length = input.array().map(u32::from_le_bytes).ok_or_else(ends)?;
    let bytes = input.take(size(length)?).ok_or_else(ends)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| malformed("a name is not UTF-8"))
}

pub fn size(number: u32) -> Result<usize, ModelError> {
    usize::try_from(number).map_err(|_| malformed("a length exceeds the address space"))
}

pub fn ends() -> ModelError {
    malformed("its lengths do not fit the file")
}

pub fn malformed(problem: impl Into<String>) -> ModelError {
    ModelError::Malformed {
        format: "fleetscore model",
        problem: problem.into(),
    }
}

/// The lowest and highest that a scaler leaves, 0 where it does not clip.
pub fn clip(scaler: &Scaler) -> (f64, f64) {
    match scaler {
        Scaler::MinMax {
            clip: Some(range), ..
        } => *range,
        _ => (0.0, 0.0),
    }
}

/// The number of a scaler in a file.
pub fn scaler_code(scaler: &Scaler) -> u8 {
    match scaler {
        Scaler::None => NO_SCALER,
        Scaler::Standard { .. } => STANDARD,
        Scaler::MinMax { .. } => MIN_MAX,
    }
}

/// The flags of a model and its scaler.
pub fn flags(model: &Model, scaler: &Scaler) -> u32 {
    let (center, scale, clip) = match scaler {
        Scaler::None => (false, false, false),
        Scaler::Standard { center, scale } => (center.is_some(), scale.is_some(), false),
        Scaler::MinMax { clip, .. } => (false, false, clip.is_some()),
    };
    let set = [
        (SINGLE_PRECISION, model.origin.single_precision),
        (CENTER, center),
        (SCALE, scale),
        (CLIP, clip),
        (PRODUCER, model.origin.producer.is_some()),
        (NAMES, model.origin.feature_names.is_some()),
    ];
    set.iter()
        .filter(|(_, is_set)| *is_set)
        .fold(0, |flags, (flag, _)| flags | flag)
}

/// The producer and the names of features, each behind its length.
pub fn text(model: &Model) -> Vec<u8> {
    let names = model.origin.feature_names.iter().flatten();
    let mut text = Vec::new();
    for part in model.origin.producer.iter().chain(names) {
        text.extend(length(part.len()).to_le_bytes());
        text.extend(part.bytes());
    }
    text
}

/// A model of more than `u32::MAX` of anything cannot be read, so it is never made.
pub fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
