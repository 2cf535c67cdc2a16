//! The order in which a graph works: which nodes take a value.

use std::collections::{HashMap, HashSet};

use super::graph::short;
use super::malformed;
use super::proto::{GraphProto, NodeProto, TENSOR_DOUBLE, TENSOR_FLOAT};
use super::tensor::{Constants, is_constant};
use crate::models::ModelError;

/// The way out of every refusal of an operator.
pub const WAY_OUT: &str = "have your own Python score it with onnxruntime (spec.model.worker)";

/// Inputs of a node, and outputs; those that occur have some five.
const MOST_ENDS: usize = 16;

/// The nodes of a graph by what they take, each used once.
pub struct Chain<'g> {
    nodes: &'g [NodeProto],
    takers: HashMap<&'g str, Vec<usize>>,
    outputs: HashSet<&'g str>,
    used: HashSet<usize>,
}

/// What goes into a graph: rows of numbers.
pub struct Input<'g> {
    pub name: &'g str,
    /// Whether the numbers are of single precision.
    pub single: bool,
    /// Numbers of a row, where the graph says.
    pub features: Option<usize>,
    /// Rows, where the graph takes so many and no others. Here it gets any number of them.
    pub rows: Option<usize>,
}

impl<'g> Chain<'g> {
    /// Errors when two nodes give the same value, or one has more inputs or outputs than any that is read.
    pub fn new(
        graph: &'g GraphProto,
        constants: &Constants<'_>,
        input: &'g str,
    ) -> Result<Self, ModelError> {
        let mut takers: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut given = HashSet::from([input]);
        for (at, node) in graph.node.iter().enumerate() {
            if is_constant(node) {
                continue;
            }
            if node.input.len() > MOST_ENDS || node.output.len() > MOST_ENDS {
                return Err(refused(
                    node,
                    "which has more inputs or outputs than are read",
                ));
            }
            for output in node.output.iter().filter(|name| !name.is_empty()) {
                if constants.has(output) || !given.insert(output.as_str()) {
                    let name = short(output);
                    return Err(malformed(format!("the value {name} is given twice")));
                }
            }
            for input in node.input.iter().filter(|name| !name.is_empty()) {
                if !constants.has(input) {
                    takers.entry(input).or_default().push(at);
                }
            }
        }
        Ok(Self {
            nodes: &graph.node,
            takers,
            outputs: graph.output.iter().map(|it| it.name.as_str()).collect(),
            used: HashSet::new(),
        })
    }

    /// The nodes that take a value, none twice unless it takes it twice.
    pub fn takers(&self, value: &str) -> Vec<&'g NodeProto> {
        let takers = self.takers.get(value).into_iter().flatten();
        takers.filter_map(|&at| self.nodes.get(at)).collect()
    }

    /// Whether a value comes out of the graph.
    pub fn is_output(&self, value: &str) -> bool {
        self.outputs.contains(value)
    }

    /// The values that come out of the graph.
    pub fn outputs(&self) -> impl Iterator<Item = &'g str> + '_ {
        self.outputs.iter().copied()
    }

    /// Takes note of a node that has been read.
    ///
    /// Errors when it has been before, as in a circle.
    pub fn take(&mut self, node: &'g NodeProto) -> Result<(), ModelError> {
        let at = self.nodes.iter().position(|it| std::ptr::eq(it, node));
        match at.map(|at| self.used.insert(at)) {
            Some(true) => Ok(()),
            _ => Err(refused(node, "where paths meet again")),
        }
    }

    /// Errors when a node has not been read.
    pub fn check_all_taken(&self) -> Result<(), ModelError> {
        let mut nodes = self.nodes.iter().enumerate();
        match nodes.find(|(at, node)| !is_constant(node) && !self.used.contains(at)) {
            Some((_, node)) => Err(refused(node, "which lies beside the chain of layers")),
            None => Ok(()),
        }
    }
}

impl<'g> Input<'g> {
    /// The only input of a graph.
    ///
    /// Errors when there is not one, or it is no rows of floating-point numbers.
    pub fn of(graph: &'g GraphProto, constants: &Constants<'_>) -> Result<Self, ModelError> {
        let mut inputs = graph.input.iter().filter(|it| !constants.has(&it.name));
        let (Some(input), None) = (inputs.next(), inputs.next()) else {
            return Err(ModelError::Unsupported(format!(
                "the graph does not have one input, a tensor of rows: export it with one, or {WAY_OUT}"
            )));
        };
        let unfit = |problem: &str| {
            ModelError::Unsupported(format!(
                "the graph's input {} {problem}: export it with rows of float or double numbers, or {WAY_OUT}",
                short(&input.name)
            ))
        };
        let tensor = input.kind.as_ref().and_then(|it| it.tensor_type.as_ref());
        let tensor = tensor.ok_or_else(|| unfit("is no tensor"))?;
        let single = match tensor.elem_type {
            TENSOR_FLOAT => true,
            TENSOR_DOUBLE => false,
            other => return Err(unfit(&format!("has the type {other} of ONNX"))),
        };
        let length = |at: usize| {
            let axis = tensor.shape.as_ref()?.dim.get(at)?;
            usize::try_from(axis.dim_value?).ok().filter(|it| *it > 0)
        };
        match tensor.shape.as_ref().map_or(2, |shape| shape.dim.len()) {
            2 => Ok(Self {
                name: &input.name,
                single,
                features: length(1),
                rows: length(0),
            }),
            axes => Err(unfit(&format!("has {axes} axes, and rows have 2"))),
        }
    }
}

/// The refusal of a node by its operator and its name.
pub fn refused(node: &NodeProto, problem: &str) -> ModelError {
    let domain = match node.domain.as_str() {
        "" | "ai.onnx" | "ai.onnx.ml" => String::new(),
        other => format!("{}.", short(other)),
    };
    let name = match node.name.as_str() {
        "" => String::new(),
        name => format!(" (the node `{}`)", short(name)),
    };
    ModelError::Unsupported(format!(
        "the graph has the operator {domain}{}{name}, {problem}: {WAY_OUT}",
        short(&node.op_type)
    ))
}
