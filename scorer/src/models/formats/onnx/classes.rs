//! What a classifier's graph does with the numbers of its classes: the largest one's label, and tables of labels and numbers.

use std::collections::HashMap;

use super::chain::{Chain, refused};
use super::graph::{integer, integers, short, strings};
use super::malformed;
use super::proto::{NodeProto, TENSOR_DOUBLE, TENSOR_FLOAT};
use super::tensor::Constants;
use crate::models::{Labels, ModelError};

/// What a value behind the layers is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A number of each class.
    Shares,
    /// The position of the class.
    Position,
    /// The label of the class.
    Label,
    /// Labels and numbers.
    Table,
}

/// What comes behind the layers of a graph.
#[derive(Default)]
pub struct Classes {
    /// Whether the graph chooses among the numbers.
    pub chooses: bool,
    /// What it calls them, where it says.
    pub labels: Option<Labels>,
}

impl Classes {
    /// Reads the labels that an operator itself gives.
    pub fn of_operator(&mut self, node: &NodeProto) -> Result<(), ModelError> {
        let numbers = ["classlabels_ints", "classlabels_int64s"];
        let numbers = numbers.map(|name| integers(node, name)).concat();
        let texts = strings(node, "classlabels_strings");
        match (numbers.is_empty(), texts.is_empty()) {
            (false, true) => self.named(node, Labels::Integers(numbers)),
            (true, false) => self.named(node, Labels::Texts(utf8(node, texts)?)),
            _ => Err(refused(node, "which does not name its classes in one way")),
        }
    }

    /// Reads all nodes from the last layer's value on; `label` is a label that came before.
    ///
    /// Errors when a node does something else, or the graph gives out another value.
    pub fn read<'g>(
        &mut self,
        chain: &mut Chain<'g>,
        constants: &Constants<'g>,
        value: &'g str,
        label: Option<&'g str>,
    ) -> Result<(), ModelError> {
        let mut kinds = HashMap::from([(value, Kind::Shares)]);
        kinds.extend(label.map(|label| (label, Kind::Label)));
        let mut values: Vec<&str> = kinds.keys().copied().collect();
        while let Some(value) = values.pop() {
            let Some(&kind) = kinds.get(value) else {
                continue;
            };
            for node in chain.takers(value) {
                chain.take(node)?;
                let kind = self.kind(node, kind, constants)?;
                if let [output] = node.output.as_slice() {
                    kinds.insert(output, kind);
                    values.push(output);
                } else {
                    return Err(refused(node, "which has several outputs"));
                }
            }
        }
        match chain.outputs().find(|output| !kinds.contains_key(output)) {
            Some(other) => Err(ModelError::Unsupported(format!(
                "the graph gives out {}, which is not what its layers end with: export it with one output, or {}",
                short(other),
                super::chain::WAY_OUT
            ))),
            None => Ok(()),
        }
    }

    /// What a node makes of a value.
    fn kind(
        &mut self,
        node: &NodeProto,
        kind: Kind,
        constants: &Constants<'_>,
    ) -> Result<Kind, ModelError> {
        match (node.op_type.as_str(), kind) {
            // There is one position or label a reading, however they lie.
            ("Identity", _)
            | ("Cast" | "Reshape" | "Squeeze" | "Flatten", Kind::Position | Kind::Label) => {
                Ok(kind)
            }
            ("Cast", Kind::Shares) if is_float(node) => Ok(kind),
            ("ArgMax", Kind::Shares) => {
                // The first axis is that of the rows, and where nobody says.
                let axis = integer(node, "axis").unwrap_or(0);
                let is_last = integer(node, "select_last_index").unwrap_or(0) != 0;
                if !matches!(axis, 1 | -1) || is_last {
                    return Err(refused(
                        node,
                        "which does not choose the first of the largest numbers of a row",
                    ));
                }
                self.chooses = true;
                Ok(Kind::Position)
            }
            ("ZipMap", Kind::Shares) => {
                self.of_operator(node)?;
                Ok(Kind::Table)
            }
            ("ArrayFeatureExtractor", Kind::Position) => {
                let name = node.input.first().map_or("", String::as_str);
                let labels = match (constants.integers(name), constants.texts(name)) {
                    (Some(numbers), _) => Labels::Integers(numbers),
                    (_, Some(texts)) => Labels::Texts(utf8(node, texts)?),
                    _ => return Err(refused(node, "whose labels are no constant")),
                };
                self.named(node, labels)?;
                Ok(Kind::Label)
            }
            _ => Err(refused(
                node,
                "which is not read behind the layers, or not there",
            )),
        }
    }

    /// Takes note of what the classes are called.
    fn named(&mut self, node: &NodeProto, labels: Labels) -> Result<(), ModelError> {
        self.chooses = true;
        match &self.labels {
            Some(before) if *before != labels => Err(refused(
                node,
                "which has other labels than the one before it",
            )),
            _ => {
                self.labels = Some(labels);
                Ok(())
            }
        }
    }
}

/// Whether a `Cast` leaves numbers what they are, but for their precision.
fn is_float(node: &NodeProto) -> bool {
    let kinds = [TENSOR_FLOAT, TENSOR_DOUBLE].map(i64::from);
    integer(node, "to").is_some_and(|kind| kinds.contains(&kind))
}

fn utf8(node: &NodeProto, texts: &[Vec<u8>]) -> Result<Vec<String>, ModelError> {
    let texts = texts.iter().map(|text| String::from_utf8(text.clone()));
    let texts: Result<Vec<String>, _> = texts.collect();
    texts.map_err(|_| malformed(format!("a label of {} is not UTF-8", short(&node.op_type))))
}
