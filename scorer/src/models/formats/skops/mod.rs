//! skops archives: a zip of `schema.json`, which describes the objects, and one `.npy` file an array.

mod archive;
mod npy;
mod schema;

use fleetscore_crds::{ModelBundle, ModelFormat};

use super::limits::Meter;
use super::sklearn;
use crate::models::{Model, ModelError, Preparation};

/// The first bytes: those of any zip.
pub const MAGIC: &[u8] = b"PK\x03\x04";

/// Reads a model from an archive.
pub fn read(
    bytes: &[u8],
    bundle: Option<&ModelBundle>,
    meter: &mut Meter<'_>,
) -> Result<Model, ModelError> {
    let mut archive = archive::Archive::open(bytes)?;
    let (heap, value) = schema::load(&mut archive, meter)?;
    sklearn::to_model(&heap, value, (ModelFormat::Skops, bundle), meter)
}

/// Reads fitted transformers from an archive.
pub fn read_preparation(bytes: &[u8], meter: &mut Meter<'_>) -> Result<Preparation, ModelError> {
    let mut archive = archive::Archive::open(bytes)?;
    let (heap, value) = schema::load(&mut archive, meter)?;
    sklearn::to_preparation(&heap, value, meter)
}

fn malformed(problem: impl Into<String>) -> ModelError {
    ModelError::Malformed {
        format: "skops",
        problem: problem.into(),
    }
}
