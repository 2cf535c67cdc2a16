//! Constant tensors: their shapes and numbers.

use std::collections::HashMap;

use super::graph::short;
use super::malformed;
use super::proto::{
    EXTERNAL, GraphProto, NodeProto, TENSOR_BOOL, TENSOR_DOUBLE, TENSOR_FLOAT, TENSOR_INT32,
    TENSOR_INT64, TENSOR_STRING, TensorProto,
};
use crate::models::ModelError;
use crate::models::formats::limits::{self, Meter};

/// Axes of a tensor; those that are of use here have two.
const MOST_AXES: usize = 8;

/// The constants of a graph by name.
pub struct Constants<'g>(HashMap<&'g str, &'g TensorProto>);

/// A constant's numbers, row by row.
pub struct Numbers {
    /// The lengths of its axes.
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
    /// Whether they are of single precision.
    pub single: bool,
}

impl<'g> Constants<'g> {
    /// Initializers, and what nodes `Constant` give.
    ///
    /// Errors when two have one name.
    pub fn new(graph: &'g GraphProto) -> Result<Self, ModelError> {
        let initializers = graph.initializer.iter();
        let initializers = initializers.map(|tensor| (tensor.name.as_str(), tensor));
        let nodes = graph.node.iter().filter(|node| is_constant(node));
        let given = nodes.filter_map(|node| Some((node.output.first()?.as_str(), value(node)?)));
        let mut constants = HashMap::new();
        for (name, tensor) in initializers.chain(given) {
            if constants.insert(name, tensor).is_some() {
                return Err(malformed(format!(
                    "two constants have the name {}",
                    short(name)
                )));
            }
        }
        Ok(Self(constants))
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The floating-point numbers of a constant; nothing where there is none, or it holds something else.
    ///
    /// Errors when they lie in another file, or do not fit its shape.
    pub fn numbers(
        &self,
        name: &str,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Numbers>, ModelError> {
        let Some(&tensor) = self.0.get(name) else {
            return Ok(None);
        };
        if tensor.data_location == EXTERNAL {
            return Err(ModelError::Unsupported(format!(
                "the weights {} lie in a file beside the graph: export them within it, such as with \
                 torch.onnx.export(..., external_data=False) or onnx.save(onnx.load(file), file)",
                short(name)
            )));
        }
        let (single, shape) = match tensor.data_type {
            TENSOR_FLOAT => (true, shape(tensor)?),
            TENSOR_DOUBLE => (false, shape(tensor)?),
            _ => return Ok(None),
        };
        // They are held once more in the order of a layer.
        let count = product(&shape, name)?;
        meter.take(count.saturating_mul(2 * size_of::<f64>()))?;
        let held = held(tensor, single);
        if held != Some(count) {
            return Err(ModelError::Invalid(format!(
                "the constant {} does not have the {count} numbers that its shape {shape:?} asks for: export the graph again",
                short(name)
            )));
        }
        Ok(Some(Numbers {
            shape,
            values: decode(tensor, single),
            single,
        }))
    }

    /// The whole numbers of a constant; nothing where there is none, or it holds something else.
    pub fn integers(&self, name: &str) -> Option<Vec<i64>> {
        let &tensor = self.0.get(name)?;
        let raw = tensor.raw_data.as_slice();
        Some(match (tensor.data_type, raw.is_empty()) {
            (TENSOR_INT64, true) => tensor.int64_data.clone(),
            (TENSOR_INT64, false) => {
                let (numbers, _) = raw.as_chunks();
                numbers.iter().map(|&b| i64::from_le_bytes(b)).collect()
            }
            (TENSOR_INT32 | TENSOR_BOOL, true) => {
                tensor.int32_data.iter().map(|&i| i.into()).collect()
            }
            (TENSOR_INT32, false) => {
                let (numbers, _) = raw.as_chunks();
                let numbers = numbers.iter().map(|&b| i32::from_le_bytes(b));
                numbers.map(i64::from).collect()
            }
            (TENSOR_BOOL, false) => raw.iter().map(|&b| b.into()).collect(),
            _ => return None,
        })
    }

    /// The texts of a constant; nothing where there is none, or it holds something else.
    pub fn texts(&self, name: &str) -> Option<&'g [Vec<u8>]> {
        let &tensor = self.0.get(name)?;
        (tensor.data_type == TENSOR_STRING).then_some(tensor.string_data.as_slice())
    }
}

impl Numbers {
    /// One number for each of `width` columns, or the same for all; nothing where it is neither.
    pub fn of_columns(&self, width: Option<usize>) -> Option<Vec<f64>> {
        let is_row = matches!(self.shape.as_slice(), [] | [_] | [1, _]);
        match (self.values.as_slice(), width) {
            _ if !is_row => None,
            (&[value], Some(width)) => Some(vec![value; width]),
            (values, Some(width)) if values.len() != width => None,
            (&[_], None) => None,
            (values, _) => Some(values.to_vec()),
        }
    }
}

/// Whether a node gives a constant.
pub fn is_constant(node: &NodeProto) -> bool {
    node.op_type == "Constant" && node.input.is_empty()
}

fn value(node: &NodeProto) -> Option<&TensorProto> {
    let attribute = node.attribute.iter().find(|it| it.name == "value")?;
    attribute.t.as_ref()
}

fn shape(tensor: &TensorProto) -> Result<Vec<usize>, ModelError> {
    let lengths = tensor.dims.iter().map(|&length| usize::try_from(length));
    let lengths: Result<Vec<usize>, _> = lengths.take(MOST_AXES + 1).collect();
    match lengths {
        Ok(shape) if shape.len() <= MOST_AXES => Ok(shape),
        _ => Err(malformed(format!(
            "the constant {} has a shape that is none",
            short(&tensor.name)
        ))),
    }
}

fn product(shape: &[usize], name: &str) -> Result<usize, ModelError> {
    let count = shape
        .iter()
        .try_fold(1_usize, |all, &it| all.checked_mul(it));
    limits::check_numbers(&format!("the constant {}", short(name)), count)
}

/// How many numbers there are; nothing where the last one is cut off.
fn held(tensor: &TensorProto, single: bool) -> Option<usize> {
    let (numbers, size) = if single {
        (tensor.float_data.len(), size_of::<f32>())
    } else {
        (tensor.double_data.len(), size_of::<f64>())
    };
    match tensor.raw_data.len() {
        0 => Some(numbers),
        bytes => bytes.is_multiple_of(size).then_some(bytes / size),
    }
}

fn decode(tensor: &TensorProto, single: bool) -> Vec<f64> {
    let raw = tensor.raw_data.as_slice();
    match (single, raw.is_empty()) {
        (true, true) => tensor.float_data.iter().map(|&f| f.into()).collect(),
        (true, false) => {
            let (numbers, _) = raw.as_chunks();
            let numbers = numbers.iter().map(|&b| f32::from_le_bytes(b));
            numbers.map(f64::from).collect()
        }
        (false, true) => tensor.double_data.clone(),
        (false, false) => {
            let (numbers, _) = raw.as_chunks();
            numbers.iter().map(|&b| f64::from_le_bytes(b)).collect()
        }
    }
}
