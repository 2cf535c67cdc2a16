//! Trees in the file: a table of what leaves give, and the nodes.

use std::collections::HashMap;

use super::LEAF;
use super::common::{ends, length, malformed, numbers, size};
use crate::models::ModelError;
use crate::models::formats::cursor::Cursor;
use crate::models::formats::limits::{self, Meter};
use crate::models::trees::{Ensemble, Number, Split};

/// Thresholds as they lie in the file; in place of one a leaf has the position of its values.
pub trait Packed: Number {
    /// Bytes of a threshold.
    const BYTES: usize;

    /// Appends a threshold, which is of this precision.
    fn put(threshold: f64, out: &mut Vec<u8>);

    /// Appends a position.
    fn put_position(position: u32, out: &mut Vec<u8>);

    /// What [`Packed::put`] has appended.
    fn threshold(bytes: &[u8]) -> f64;

    /// What [`Packed::put_position`] has appended.
    fn position(bytes: &[u8]) -> Option<usize>;
}

impl Packed for f32 {
    const BYTES: usize = 4;

    fn put(threshold: f64, out: &mut Vec<u8>) {
        out.extend(Self::of(threshold).to_le_bytes());
    }

    fn put_position(position: u32, out: &mut Vec<u8>) {
        out.extend(position.to_le_bytes());
    }

    fn threshold(bytes: &[u8]) -> f64 {
        bytes
            .try_into()
            .map_or(f64::NAN, |bytes| Self::from_le_bytes(bytes).into())
    }

    fn position(bytes: &[u8]) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
    }
}

impl Packed for f64 {
    const BYTES: usize = 8;

    fn put(threshold: f64, out: &mut Vec<u8>) {
        out.extend(threshold.to_le_bytes());
    }

    fn put_position(position: u32, out: &mut Vec<u8>) {
        out.extend(u64::from(position).to_le_bytes());
    }

    fn threshold(bytes: &[u8]) -> f64 {
        bytes.try_into().map_or(f64::NAN, Self::from_le_bytes)
    }

    fn position(bytes: &[u8]) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(bytes.try_into().ok()?)).ok()
    }
}

/// The different numbers that leaves give, as many each.
pub struct Table {
    /// The numbers, row by row.
    pub rows: Vec<f64>,
    width: usize,
    positions: HashMap<Box<[u64]>, u32>,
}

impl Table {
    /// A table of rows of `width` numbers.
    pub fn new(width: usize) -> Self {
        Self {
            rows: Vec::new(),
            width,
            positions: HashMap::new(),
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len() / self.width
    }

    fn position(&mut self, values: &[f64]) -> u32 {
        let bits: Box<[u64]> = values.iter().map(|value| value.to_bits()).collect();
        let next = length(self.len());
        *self.positions.entry(bits).or_insert_with(|| {
            self.rows.extend(values);
            next
        })
    }
}

/// The number of nodes of each tree, and the nodes; what leaves give goes into the table.
pub fn write<T: Packed>(trees: &Ensemble<T>, table: &mut Table) -> (Vec<u8>, Vec<u8>) {
    let (mut counts, mut nodes) = (Vec::new(), Vec::new());
    for tree in 0..trees.count() {
        let values = trees.values(tree).chunks_exact(trees.width());
        counts.extend(length(values.len()).to_le_bytes());
        for (split, values) in trees.splits(tree).zip(values) {
            if split.children.is_none() {
                nodes.extend(LEAF.to_le_bytes());
                T::put_position(table.position(values), &mut nodes);
            } else {
                let feature = u16::try_from(split.feature).unwrap_or(LEAF);
                nodes.extend(feature.to_le_bytes());
                T::put(split.threshold, &mut nodes);
            }
        }
    }
    (counts, nodes)
}

/// Reads `rows` rows of a table whose rows have `width` numbers.
pub fn read_table(input: &mut Cursor<'_>, rows: u32, width: usize) -> Result<Vec<f64>, ModelError> {
    numbers(input, size(rows)?.checked_mul(width))
}

/// Reads `count` trees over `features` features, whose leaves give rows of `table`.
pub fn read<T: Packed>(
    input: &mut Cursor<'_>,
    (count, features): (u32, u32),
    (table, width): (&[f64], usize),
    meter: &mut Meter<'_>,
) -> Result<Ensemble<T>, ModelError> {
    let count = limits::check_numbers("the trees", Some(size(count)?))?;
    let counts = input.take(count.checked_mul(4).ok_or_else(ends)?);
    let (counts, _) = counts.ok_or_else(ends)?.as_chunks();
    let mut trees = Ensemble::new(width);
    for (at, count) in counts.iter().enumerate() {
        let count = size(u32::from_le_bytes(*count))?;
        let bytes = count.checked_mul(2 + T::BYTES).ok_or_else(ends)?;
        let nodes = input.take(bytes).ok_or_else(ends)?;
        // What is read of a node, and what is kept, in vectors that grow by doubling.
        let node = size_of::<Split>()
            + 3 * Ensemble::<T>::NODE_BYTES
            + width.saturating_mul(4 * size_of::<f64>());
        meter.take(count.saturating_mul(node))?;
        let (splits, values) = splits::<T>(nodes, table, width)?;
        trees
            .add_rows(&splits, &values, |feature| {
                Some(feature).filter(|feature| *feature < features)
            })
            .map_err(|problem| ModelError::Invalid(format!("tree {at} {problem}")))?;
    }
    Ok(trees)
}

/// The nodes of a tree, and what each gives: those that follow one come behind those that follow the nodes before it.
fn splits<T: Packed>(
    nodes: &[u8],
    table: &[f64],
    width: usize,
) -> Result<(Vec<Split>, Vec<f64>), ModelError> {
    let nodes = nodes.chunks_exact(2 + T::BYTES);
    let (mut behind, mut splits) = (1, Vec::with_capacity(nodes.len()));
    let mut values = vec![0.0; nodes.len() * width];
    for (node, values) in nodes.zip(values.chunks_exact_mut(width)) {
        let (feature, number) = node.split_first_chunk().ok_or_else(ends)?;
        let feature = u16::from_le_bytes(*feature);
        let mut split = Split {
            children: None,
            feature: 0,
            threshold: f64::INFINITY,
            value: 0.0,
        };
        if feature == LEAF {
            let start = T::position(number).and_then(|at| at.checked_mul(width));
            let row = start.and_then(|start| table.get(start..start.checked_add(width)?));
            let row = row.ok_or_else(|| malformed("a leaf has no values"))?;
            values.copy_from_slice(row);
        } else {
            behind += 2;
            split.children = Some([behind - 2, behind - 1]);
            split.feature = feature.into();
            split.threshold = T::threshold(number);
        }
        splits.push(split);
    }
    Ok((splits, values))
}
