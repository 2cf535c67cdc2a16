use super::malformed;
use super::proto::{
    AttributeProto, GraphProto, NodeProto, TENSOR_DOUBLE, TENSOR_FLOAT, TensorProto,
};
use crate::models::{ModelError, shown};

/// Inputs of an operator; those that occur have up to 3.
const MOST_INPUTS: usize = 8;

/// Looks things up in a graph.
pub struct Graph<'g>(pub &'g GraphProto);

impl<'g> Graph<'g> {
    /// The only node with this operator.
    pub fn only(&self, operator: &str) -> Result<&'g NodeProto, ModelError> {
        let mut nodes = self.0.node.iter().filter(|node| node.op_type == operator);
        match (nodes.next(), nodes.next()) {
            (Some(node), None) => Ok(node),
            (Some(_), Some(_)) => Err(ModelError::Unsupported(format!(
                "the graph has several {operator}: convert one model a file"
            ))),
            (None, _) => Err(malformed(format!("the graph has no {operator}"))),
        }
    }

    /// Whether there is a node with this operator.
    pub fn has(&self, operator: &str) -> bool {
        self.0.node.iter().any(|node| node.op_type == operator)
    }

    /// The node that gives a value.
    pub fn producer(&self, value: &str) -> Option<&'g NodeProto> {
        self.0
            .node
            .iter()
            .find(|node| node.output.iter().any(|output| output == value))
    }

    /// Whether a value is a constant tensor.
    fn is_constant(&self, name: &str) -> bool {
        self.tensor(name).is_some()
    }

    /// A constant tensor's numbers, where each feature has one of its own, or all have the same: no other than the last axis is
    /// longer than 1.
    pub fn constant(&self, name: &str) -> Option<Vec<f64>> {
        let tensor = self.tensor(name)?;
        let (_last, others) = tensor.dims.split_last().unwrap_or((&1, &[]));
        if others.iter().any(|&length| length != 1) {
            return None;
        }
        numbers(tensor)
    }

    /// The one input of an operator that is not a constant, and its position.
    pub fn data_input(&self, node: &'g NodeProto) -> Result<(usize, &'g str), ModelError> {
        let mut inputs = (0..)
            .zip(&node.input)
            .take(MOST_INPUTS)
            .filter(|(_, name)| !name.is_empty() && !self.is_constant(name));
        match (inputs.next(), inputs.next()) {
            (Some((at, name)), None) if node.input.len() <= MOST_INPUTS => Ok((at, name)),
            _ => Err(ModelError::Unsupported(format!(
                "{} has not one input that is no constant: convert a pipeline of one scaler and OneClassSVM, with one tensor as its input",
                short(&node.op_type)
            ))),
        }
    }

    fn tensor(&self, name: &str) -> Option<&'g TensorProto> {
        self.0.initializer.iter().find(|tensor| tensor.name == name)
    }
}

fn numbers(tensor: &TensorProto) -> Option<Vec<f64>> {
    let raw = tensor.raw_data.as_slice();
    Some(match (tensor.data_type, raw.is_empty()) {
        (TENSOR_FLOAT, true) => tensor
            .float_data
            .iter()
            .map(|&number| f64::from(number))
            .collect(),
        (TENSOR_FLOAT, false) => raw
            .as_chunks()
            .0
            .iter()
            .map(|&b| f64::from(f32::from_le_bytes(b)))
            .collect(),
        (TENSOR_DOUBLE, true) => tensor.double_data.clone(),
        (TENSOR_DOUBLE, false) => raw
            .as_chunks()
            .0
            .iter()
            .map(|&b| f64::from_le_bytes(b))
            .collect(),
        _ => return None,
    })
}

fn attribute<'n>(node: &'n NodeProto, name: &str) -> Option<&'n AttributeProto> {
    node.attribute
        .iter()
        .find(|attribute| attribute.name == name)
}

/// An attribute of numbers; empty where it is absent.
pub fn floats(node: &NodeProto, name: &str) -> Vec<f64> {
    attribute(node, name)
        .map(|attribute| attribute.floats.iter().map(|&f| f64::from(f)).collect())
        .unwrap_or_default()
}

/// An attribute of one number.
pub fn float(node: &NodeProto, name: &str) -> Option<f64> {
    attribute(node, name)?.f.map(f64::from)
}

/// An integer attribute.
pub fn integer(node: &NodeProto, name: &str) -> Option<i64> {
    attribute(node, name)?.i
}

/// An attribute of whole numbers; empty where it is absent.
pub fn integers(node: &NodeProto, name: &str) -> Vec<i64> {
    attribute(node, name)
        .map(|attribute| attribute.ints.clone())
        .unwrap_or_default()
}

/// An attribute of texts; empty where it is absent.
pub fn strings<'n>(node: &'n NodeProto, name: &str) -> &'n [Vec<u8>] {
    attribute(node, name).map_or(&[], |attribute| &attribute.strings)
}

/// A textual attribute.
pub fn string<'n>(node: &'n NodeProto, name: &str) -> Option<&'n str> {
    std::str::from_utf8(attribute(node, name)?.s.as_deref()?).ok()
}

/// Names come from the file and may be of any length.
pub fn short(name: &str) -> String {
    shown(name, 40)
}
