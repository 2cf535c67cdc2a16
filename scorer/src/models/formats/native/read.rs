use super::common::{Common, ends, malformed, numbers, size};
use super::{
    BOOSTED, CENTRES, ELLIPTIC, FAMILY_VERSION, FOREST, LINEAR_MODEL, MAGIC, MIXTURE, NAMES,
    PERCEPTRON, RECONSTRUCTION, THRESHOLD, VECTORS, VERSION, families, kernel, read_forest,
};
use crate::models::formats::cursor::Cursor;
use crate::models::formats::limits::Meter;
use crate::models::{Kernel, Model, ModelError, OneClassSvm};

/// Reads a model that [`super::write_native`] wrote.
///
/// Errors when the checksum, the version or a length is wrong.
pub fn read(bytes: &[u8], meter: &mut Meter<'_>) -> Result<Model, ModelError> {
    // The numbers and texts lie in the file as they do in memory.
    meter.take(bytes.len())?;
    let (version, content) = checked_content(bytes)?;
    let mut input = Cursor::new(content);
    match version {
        VERSION => read_svm(&mut input, meter),
        FAMILY_VERSION => match input.byte() {
            Some(super::ISOLATION_FOREST) => read_forest::read(&mut input, meter),
            Some(
                family @ (FOREST | BOOSTED | LINEAR_MODEL | ELLIPTIC | MIXTURE | CENTRES
                | RECONSTRUCTION | VECTORS | PERCEPTRON),
            ) => families::read(family, &mut input, meter),
            Some(other) => Err(malformed(format!(
                "family {other}, which this program does not know; read it with a newer one"
            ))),
            None => Err(ends()),
        },
        other => Err(malformed(format!(
            "version {other}; this program reads versions {VERSION} and {FAMILY_VERSION}"
        ))),
    }
}

fn read_svm(input: &mut Cursor<'_>, meter: &mut Meter<'_>) -> Result<Model, ModelError> {
    let header = Header::read(input).ok_or_else(ends)?;
    let (features, vectors) = (size(header.features)?, size(header.vectors)?);
    if header.common.has(NAMES) {
        meter.grow::<String>(features)?;
    }
    let threshold = if header.common.has(THRESHOLD) {
        Some(input.array().map(f64::from_le_bytes).ok_or_else(ends)?)
    } else {
        None
    };
    let scaler = header.common.scaler(input, features)?;
    let coefficients = numbers(input, Some(vectors))?;
    let support_vectors = numbers(input, vectors.checked_mul(features))?;
    let origin = header.common.origin(input, features)?;
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
    let svm = match threshold {
        Some(threshold) => svm.with_threshold(threshold)?,
        None => svm,
    };
    Model::of_svm(svm, origin)
}

/// The version, and what lies between it and the checksum.
fn checked_content(bytes: &[u8]) -> Result<(u16, &[u8]), ModelError> {
    let (content, checksum) = bytes.split_last_chunk::<4>().ok_or_else(ends)?;
    let Some(after_magic) = content.strip_prefix(MAGIC) else {
        return Err(malformed("it does not start like one"));
    };
    let (version, after_version) = after_magic.split_first_chunk::<2>().ok_or_else(ends)?;
    let version = u16::from_le_bytes(*version);
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return Err(malformed(
            "the checksum does not match: the file is damaged or cut off; copy it again",
        ));
    }
    Ok((version, after_version))
}

/// The part of fixed size.
struct Header {
    common: Common,
    kernel: u8,
    vectors: u32,
    features: u32,
    degree: u32,
    gamma: f64,
    coef0: f64,
    rho: f64,
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
        let common = Common {
            scaler,
            flags,
            text_bytes,
            clip,
        };
        Some(Self {
            common,
            kernel,
            vectors,
            features,
            degree,
            gamma,
            coef0,
            rho,
        })
    }

    fn kernel(&self) -> Result<Kernel, ModelError> {
        let (gamma, coef0, degree) = (self.gamma, self.coef0, self.degree);
        kernel::read(self.kernel, (gamma, coef0, degree))
    }
}
