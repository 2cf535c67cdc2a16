//! Fleetscore's own format: everything of a model, packed, exact and checksummed. All numbers are little-endian.
//!
//! A one-class SVM:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | [`MAGIC`] |
//! | u16 | version, 1 |
//! | u8 | kernel: 0 rbf, 1 linear, 2 polynomial, 3 sigmoid |
//! | u8 | scaler: 0 none, 1 standard, 2 min-max |
//! | u32 | flags: 1 single precision, 2 center, 4 scale, 8 clip, 16 producer, 32 feature names, 128 threshold |
//! | u32 | n, number of support vectors |
//! | u32 | d, number of features |
//! | u32 | degree, 0 unless polynomial |
//! | u32 | bytes of text |
//! | f64 x 5 | gamma, coef0, rho, lowest and highest of the clip; 0 where there is none |
//! | f64 | threshold, as flagged |
//! | f64 x d, up to twice | standard: center, scale, as flagged; min-max: scale, min |
//! | f64 x n | coefficients |
//! | f64 x n x d | support vectors, row-major |
//! | text | producer, then the d feature names, as flagged: each u32 bytes of UTF-8, then the bytes |
//! | u32 | CRC-32 of everything before |
//!
//! An isolation forest:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | [`MAGIC`] |
//! | u16 | version, 2 |
//! | u8 | family: 1 isolation forest |
//! | u8 | scaler, as above |
//! | u32 | flags, as above, and 64: a score of 0 is an anomaly |
//! | u32 | d, number of features |
//! | u32 | t, number of trees |
//! | u32 | v, number of different values that leaves give |
//! | u32 | bytes of text |
//! | f64 x 6 | lowest and highest of the clip, both divisors, offset, threshold |
//! | f64 x d, up to twice | the scaler, as above |
//! | f64 x v | the values |
//! | u32 x t | number of nodes of each tree |
//! | 6 a node | the nodes of all trees, see below |
//! | text | as above |
//! | u32 | CRC-32 of everything before |
//!
//! The nodes of a tree lie by distance from its root: those that follow the first node that is no leaf come right behind the root,
//! then those of the next, and so on. A node is the u16 of its feature and the f32 of its threshold; a leaf is 65535 and the u32 of
//! the position of its value.
//!
//! The other families:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | [`MAGIC`] |
//! | u16 | version, 2 |
//! | u8 | family: 2 forest, 3 boosted trees, 4 linear model, 5 elliptic envelope, 6 mixture, 7 centres, 8 principal components, 9 support vectors, 10 network |
//! | u8 | scaler, as above |
//! | u32 | flags, as of a one-class SVM |
//! | u32 | d, number of features |
//! | u32 | bytes of text |
//! | f64 x 2 | lowest and highest of the clip |
//! | f64 x d, up to twice | the scaler, as above |
//! | 3 x u8 | forest: kind, 0; boosted: link, 0 single or 1 double precision; linear: kind, shares; mixture: covariances, 0; centres: kind, 0; support vectors: kind, whether ties are broken; network: function between layers, 0; others: 0, 0; then labels: 0 none, 1 integers, 2 texts |
//! | u32 | k, number of labels |
//! | i64 x k, or texts | the labels; texts as above |
//! | body | see below |
//! | text | as above |
//! | u32 | CRC-32 of everything before |
//!
//! A forest's body: u32 t trees, u32 v rows of values, f64 x v x max(k, 1) the rows, then the trees as above, a leaf having the
//! position of its row. That of boosted trees: u32 s sums, u32 v values, f64 x s where the sums start, f64 x v the values, and for
//! each sum u32 t trees and the trees; in double precision a node is the u16 of its feature and the f64 of its threshold, a leaf's
//! position a u64. That of a linear model: u32 s sums, f64 x s x d weights, f64 x s intercepts. That of an elliptic envelope: f64 offset,
//! f64 x d the centre, f64 x d x d the inverse of the covariances. That of a mixture: u32 k components, f64 x k weights, f64 x k x d means,
//! and the factors: of covariances 0 f64 x k x d x d, 1 f64 x d x d, 2 f64 x k x d, 3 f64 x k. That of centres: u32 k, f64 x k x d. That of
//! principal components: u32 k, f64 x d means, f64 x k x d directions. That of support vectors: u32 kernel, u32 degree, f64 gamma, f64 coef0,
//! u32 n vectors, u32 x k their numbers class by class, f64 x n x d vectors, f64 x n x max(k - 1, 1) coefficients, and an f64 a pair of
//! classes, or one. That of a network: u32 layers, and of each u32 s sums, f64 x (columns before) x s weights, f64 x s intercepts.

mod common;
mod density;
mod families;
mod head;
mod kernel;
mod nodes;
mod perceptron;
mod read;
mod read_forest;
mod vectors;
mod write;
mod write_forest;

pub use read::read;
pub use write::write_native;

/// The first bytes; the first is in no text, and line ends show a transfer that changed them.
pub const MAGIC: &[u8] = b"\x89FSM\r\n\x1a\n";
const VERSION: u16 = 1;
const FAMILY_VERSION: u16 = 2;

const ISOLATION_FOREST: u8 = 1;
const FOREST: u8 = 2;
const BOOSTED: u8 = 3;
const LINEAR_MODEL: u8 = 4;
const ELLIPTIC: u8 = 5;
const MIXTURE: u8 = 6;
const CENTRES: u8 = 7;
const RECONSTRUCTION: u8 = 8;
const VECTORS: u8 = 9;
const PERCEPTRON: u8 = 10;

const RBF: u8 = 0;
const LINEAR: u8 = 1;
const POLYNOMIAL: u8 = 2;
const SIGMOID: u8 = 3;

const NO_SCALER: u8 = 0;
const STANDARD: u8 = 1;
const MIN_MAX: u8 = 2;

const SINGLE_PRECISION: u32 = 1;
const CENTER: u32 = 2;
const SCALE: u32 = 4;
const CLIP: u32 = 8;
const PRODUCER: u32 = 16;
const NAMES: u32 = 32;
const ZERO_IS_ANOMALY: u32 = 64;
const THRESHOLD: u32 = 128;

/// In place of the feature of a leaf.
const LEAF: u16 = u16::MAX;
