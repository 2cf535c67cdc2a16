use fleetscore_crds::ModelFormat;

use super::{
    CENTER, CLIP, LINEAR, MAGIC, MIN_MAX, NAMES, NO_SCALER, POLYNOMIAL, PRODUCER, RBF, SCALE,
    SIGMOID, SINGLE_PRECISION, STANDARD, VERSION,
};
use crate::models::formats::cursor::Cursor;
use crate::models::formats::limits::{self, Meter};
use crate::models::{Kernel, Model, ModelError, OneClassSvm, Origin, Scaler};

/// Reads a model that [`super::write_native`] wrote.
///
/// Errors when the checksum, the version or a length is wrong.
pub fn read(bytes: &[u8], meter: &mut Meter<'_>) -> Result<Model, ModelError> {
    // The numbers and texts lie in the file as they do in memory.
    meter.take(bytes.len())?;
    let mut input = Cursor::new(checked_content(bytes)?);
    let header = Header::read(&mut input).ok_or_else(ends)?;
    let (features, vectors) = (size(header.features)?, size(header.vectors)?);
    if header.has(NAMES) {
        meter.grow::<String>(features)?;
    }
    let scaler = header.scaler(&mut input, features)?;
    let coefficients = numbers(&mut input, Some(vectors))?;
    let support_vectors = numbers(&mut input, vectors.checked_mul(features))?;
    let origin = header.origin(&mut input, features)?;
    if input.remaining() != 0 {
        return Err(malformed(format!("{} bytes too many", input.remaining())));
    }
    let svm = OneClassSvm::new(
        scaler,
        header.kernel()?,
        features,
        support_vectors,
        coefficients,
        header.rho,
    )?;
    Model::of_svm(svm, origin)
}

/// What lies between magic number and checksum.
fn checked_content(bytes: &[u8]) -> Result<&[u8], ModelError> {
    let (content, checksum) = bytes.split_last_chunk::<4>().ok_or_else(ends)?;
    let Some(after_magic) = content.strip_prefix(MAGIC) else {
        return Err(malformed("it does not start like one"));
    };
    let (version, after_version) = after_magic.split_first_chunk::<2>().ok_or_else(ends)?;
    let version = u16::from_le_bytes(*version);
    if version != VERSION {
        return Err(malformed(format!(
            "version {version}; this program reads version {VERSION}"
        )));
    }
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return Err(malformed(
            "the checksum does not match: the file is damaged or cut off; copy it again",
        ));
    }
    Ok(after_version)
}

/// The part of fixed size.
struct Header {
    kernel: u8,
    scaler: u8,
    flags: u32,
    vectors: u32,
    features: u32,
    degree: u32,
    text_bytes: u32,
    gamma: f64,
    coef0: f64,
    rho: f64,
    clip: (f64, f64),
}

impl Header {
    fn read(input: &mut Cursor<'_>) -> Option<Self> {
        let [kernel, scaler] = input.array()?;
        let mut integer = || input.array().map(u32::from_le_bytes);
        let (flags, vectors, features) = (integer()?, integer()?, integer()?);
        let (degree, text_bytes) = (integer()?, integer()?);
        let mut number = || input.array().map(f64::from_le_bytes);
        let (gamma, coef0, rho) = (number()?, number()?, number()?);
        let clip = (number()?, number()?);
        Some(Self {
            kernel,
            scaler,
            flags,
            vectors,
            features,
            degree,
            text_bytes,
            gamma,
            coef0,
            rho,
            clip,
        })
    }

    fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    fn kernel(&self) -> Result<Kernel, ModelError> {
        let (gamma, coef0, degree) = (self.gamma, self.coef0, self.degree);
        match self.kernel {
            RBF => Ok(Kernel::Rbf { gamma }),
            LINEAR => Ok(Kernel::Linear),
            POLYNOMIAL => Ok(Kernel::Polynomial {
                gamma,
                coef0,
                degree,
            }),
            SIGMOID => Ok(Kernel::Sigmoid { gamma, coef0 }),
            other => Err(malformed(format!("unknown kernel {other}"))),
        }
    }

    fn scaler(&self, input: &mut Cursor<'_>, features: usize) -> Result<Scaler, ModelError> {
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

    fn origin(&self, input: &mut Cursor<'_>, features: usize) -> Result<Origin, ModelError> {
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

fn numbers(input: &mut Cursor<'_>, count: Option<usize>) -> Result<Vec<f64>, ModelError> {
    let count = limits::check_numbers("an array", count)?;
    let (numbers, _) = input.take(count * 8).ok_or_else(ends)?.as_chunks();
    Ok(numbers
        .iter()
        .map(|&number| f64::from_le_bytes(number))
        .collect())
}

fn string(input: &mut Cursor<'_>) -> Result<String, ModelError> {
    let length = input.array().map(u32::from_le_bytes).ok_or_else(ends)?;
    let bytes = input.take(size(length)?).ok_or_else(ends)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| malformed("a name is not UTF-8"))
}

fn size(number: u32) -> Result<usize, ModelError> {
    usize::try_from(number).map_err(|_| malformed("a length exceeds the address space"))
}

fn ends() -> ModelError {
    malformed("its lengths do not fit the file")
}

fn malformed(problem: impl Into<String>) -> ModelError {
    ModelError::Malformed {
        format: "fleetscore model",
        problem: problem.into(),
    }
}
