use std::f64::consts::LOG2_E;

use super::blocks::Blocks;
use super::bounds::{DotBound, Sizes};
use super::curve::Curve;
use super::linear::Linear;
use super::norms::{largest, squares};
use super::shape::{Differences, Polynomial, Sigmoid};
use super::tile::Frame;
use crate::models::svm::{Kernel, OneClassSvm};

/// From so many features or support vectors on, products are faster than differences: below, moving the rows into their frame
/// costs more than it saves (measured: see docs/benchmarks.md).
const FEATURES_OF_PRODUCTS: usize = 4;
const VECTORS_OF_PRODUCTS: usize = 32;
/// Within these gammas, no factor made of gamma loses digits or overflows.
const GAMMAS: std::ops::RangeInclusive<f64> = 1e-290..=1e290;

/// What a model is turned into to be scored fast.
#[derive(Debug)]
pub(super) enum Form {
    /// Nothing: the reference scores every row.
    Reference,
    /// RBF, from the differences of the coordinates.
    Differences {
        shape: Differences,
        blocks: Blocks,
        near: f64,
    },
    /// RBF, from dot products of centred, scaled coordinates.
    Products {
        frame: Frame,
        blocks: Blocks,
        near: f64,
    },
    /// RBF of one feature and many support vectors: one smooth curve.
    Curve(Curve),
    /// Polynomial.
    Polynomial {
        shape: Polynomial,
        blocks: Blocks,
        bound: DotBound,
    },
    /// Sigmoid.
    Sigmoid {
        shape: Sigmoid,
        blocks: Blocks,
        bound: DotBound,
    },
    /// Linear.
    Linear(Linear),
}

impl Form {
    /// The fastest form whose error has a bound worth its name.
    pub fn of(model: &OneClassSvm) -> Self {
        let sizes = Sizes {
            vectors: model.coefficients.len() as f64,
            features: model.features as f64,
            alphas: model.coefficients.iter().map(|alpha| alpha.abs()).sum(),
        };
        if !sizes.are_usable() {
            return Self::Reference;
        }
        match model.kernel {
            Kernel::Rbf { gamma } if GAMMAS.contains(&gamma) => Self::rbf(model, gamma, sizes),
            Kernel::Rbf { .. } => Self::Reference,
            Kernel::Linear => Self::Linear(Linear::new(model, sizes)),
            Kernel::Polynomial {
                gamma,
                coef0,
                degree,
            } => Self::Polynomial {
                shape: Polynomial {
                    gamma,
                    coef0,
                    degree,
                },
                blocks: dot_blocks(model),
                bound: dot_bound(model, gamma, coef0, sizes),
            },
            Kernel::Sigmoid { gamma, coef0 } => Self::Sigmoid {
                shape: Sigmoid { gamma, coef0 },
                blocks: dot_blocks(model),
                bound: dot_bound(model, gamma, coef0, sizes),
            },
        }
    }

    fn rbf(model: &OneClassSvm, gamma: f64, sizes: Sizes) -> Self {
        if let Some(curve) = Curve::of(model, gamma, sizes) {
            return Self::Curve(curve);
        }
        let large = model.features >= FEATURES_OF_PRODUCTS
            || model.coefficients.len() >= VECTORS_OF_PRODUCTS;
        if large && let Some(products) = Self::products(model, gamma, sizes) {
            return products;
        }
        Self::Differences {
            shape: Differences {
                factor: -gamma * LOG2_E,
            },
            blocks: dot_blocks(model),
            near: sizes.differences(),
        }
    }

    fn products(model: &OneClassSvm, gamma: f64, sizes: Sizes) -> Option<Self> {
        let (center, scale) = (center(model), (gamma * LOG2_E).sqrt());
        let mut vectors = model.support_vectors.clone();
        for vector in vectors.chunks_exact_mut(model.features) {
            for (value, center) in vector.iter_mut().zip(&center) {
                *value = (*value - center) * scale;
            }
        }
        let squares: Vec<f64> = squares(&vectors, model.features).collect();
        let reach = largest(squares.iter().copied()).sqrt();
        let near = sizes.products(reach)?;
        let starts: Vec<f64> = squares.into_iter().map(|square| -square).collect();
        vectors.iter_mut().for_each(|value| *value *= 2.0);
        Some(Self::Products {
            frame: Frame { center, scale },
            blocks: Blocks::new(&starts, &model.coefficients, &vectors, model.features),
            near,
        })
    }
}

/// The mean of the support vectors.
fn center(model: &OneClassSvm) -> Vec<f64> {
    let mut center = vec![0.0; model.features];
    for vector in model.support_vectors.chunks_exact(model.features) {
        for (sum, value) in center.iter_mut().zip(vector) {
            *sum += value;
        }
    }
    let count = model.coefficients.len() as f64;
    center.iter_mut().for_each(|sum| *sum /= count);
    center
}

fn dot_blocks(model: &OneClassSvm) -> Blocks {
    let starts = vec![0.0; model.coefficients.len()];
    Blocks::new(
        &starts,
        &model.coefficients,
        &model.support_vectors,
        model.features,
    )
}

fn dot_bound(model: &OneClassSvm, gamma: f64, coef0: f64, sizes: Sizes) -> DotBound {
    DotBound {
        sizes,
        largest: largest(squares(&model.support_vectors, model.features)),
        gamma,
        coef0: coef0.abs(),
    }
}
