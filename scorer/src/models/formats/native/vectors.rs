//! Support vectors that tell classes apart or give values in the file.

use super::common::{length, malformed, numbers, size};
use super::head::{head, integer, put, read_head};
use super::kernel;
use crate::models::formats::cursor::Cursor;
use crate::models::formats::limits::Meter;
use crate::models::vectors::{VectorNumbers, VectorsKind};
use crate::models::{Estimator, ModelError, Vectors};

/// The body of a machine.
pub fn of(machine: &Vectors) -> Vec<u8> {
    let labels = machine.labels.as_deref();
    let mut body = head(machine.kind as u8, machine.breaks_ties.into(), labels);
    let (gamma, coef0, degree) = machine.kernel.parameters();
    body.extend(u32::from(kernel::code(&machine.kernel)).to_le_bytes());
    body.extend(degree.to_le_bytes());
    put(&mut body, &[gamma, coef0]);
    body.extend(length(machine.count()).to_le_bytes());
    for count in &machine.counts {
        body.extend(length(*count).to_le_bytes());
    }
    put(&mut body, &machine.support_vectors);
    put(&mut body, &machine.coefficients);
    put(&mut body, &machine.intercepts);
    body
}

/// Reads that.
pub fn read(
    input: &mut Cursor<'_>,
    features: usize,
    meter: &mut Meter<'_>,
) -> Result<Estimator, ModelError> {
    let (kind, breaks_ties, labels) = read_head(input, meter)?;
    let kind = VectorsKind::ALL.get(usize::from(kind));
    let kind = *kind.ok_or_else(|| malformed("an unknown kind of support vectors"))?;
    let breaks_ties = match (breaks_ties, &labels) {
        (0, _) => false,
        (1, Some(_)) => true,
        _ => return Err(malformed("ties that cannot be broken")),
    };
    let (code, degree) = (integer(input)?, integer(input)?);
    let code = u8::try_from(code).map_err(|_| malformed(format!("unknown kernel {code}")))?;
    let (gamma, coef0) = (number(input)?, number(input)?);
    let kernel = kernel::read(code, (gamma, coef0, degree))?;
    let count = size(integer(input)?)?;
    let classes = labels.as_ref().map_or(0, |labels| labels.len());
    let counts: Result<Vec<usize>, ModelError> =
        (0..classes).map(|_| size(integer(input)?)).collect();
    let pairs = classes.saturating_mul(classes.saturating_sub(1)) / 2;
    let rows = classes.saturating_sub(1).max(1);
    let numbers = VectorNumbers {
        counts: counts?,
        support_vectors: numbers(input, count.checked_mul(features))?,
        coefficients: numbers(input, count.checked_mul(rows))?,
        intercepts: numbers(input, Some(pairs.max(1)))?,
    };
    Vectors::new((kind, breaks_ties), kernel, features, numbers, labels)
        .map(Estimator::Vectors)
        .map_err(|problem| ModelError::Invalid(format!("the support vectors: {problem}")))
}

fn number(input: &mut Cursor<'_>) -> Result<f64, ModelError> {
    Ok(numbers(input, Some(1))?
        .first()
        .copied()
        .unwrap_or(f64::NAN))
}
