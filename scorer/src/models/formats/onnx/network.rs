//! Small networks: a chain of operators over rows, as the exporters of `PyTorch`, Keras and scikit-learn write them.

use std::sync::Arc;

use super::chain::{Chain, Input, WAY_OUT, refused};
use super::classes::Classes;
use super::graph::{Graph, integer};
use super::malformed;
use super::operator::Operator;
use super::proto::{NodeProto, OperatorSetIdProto};
use super::tensor::Constants;
use crate::models::formats::limits::Meter;
use crate::models::network::{Activation, Ending, Layer, MOST_LAYERS, Network};
use crate::models::{Labels, ModelError};

/// Since then operators broadcast as they do today.
const FIRST_OPERATORS: i64 = 7;

/// Reads a network, and whether it is one of single precision.
///
/// Errors when its operators are no chain of those that are read, or what they end with says nothing that can be told.
pub fn read(
    graph: &Graph<'_>,
    operators: &[OperatorSetIdProto],
    meter: &mut Meter<'_>,
) -> Result<(Network, bool), ModelError> {
    check_operators(operators)?;
    let constants = Constants::new(graph.0)?;
    let input = Input::of(graph.0, &constants)?;
    let mut reading = Reading {
        chain: Chain::new(graph.0, &constants, input.name)?,
        constants: &constants,
        layers: Vec::new(),
        features: input.features,
        width: input.features,
        rounds: input.single,
        single: input.single,
        classes: Classes::default(),
        label: None,
    };
    let mut value = input.name;
    while let Some(output) = reading.step(value, input.rows, meter)? {
        value = output;
    }
    reading.end(value)
}

/// A graph that is read from its input on.
struct Reading<'a, 'g> {
    chain: Chain<'g>,
    constants: &'a Constants<'g>,
    layers: Vec<Layer>,
    /// Numbers of a reading, and of a row behind the layers so far, where that is known.
    features: Option<usize>,
    width: Option<usize>,
    /// Whether readings are rounded to single precision.
    rounds: bool,
    /// Whether there are numbers of single precision.
    single: bool,
    classes: Classes,
    /// The value that is the label, where an operator gives that beside its numbers.
    label: Option<&'g str>,
}

impl<'g> Reading<'_, 'g> {
    /// Reads what takes a value, and says which value that gives; nothing where the layers end.
    fn step(
        &mut self,
        value: &str,
        rows: Option<usize>,
        meter: &mut Meter<'_>,
    ) -> Result<Option<&'g str>, ModelError> {
        meter.go_on()?;
        let node = match self.chain.takers(value).as_slice() {
            [node] if !self.chain.is_output(value) && !ends_layers(node) => *node,
            [one, other] => return self.both_shares(value, one, other, meter),
            _ => return Ok(None),
        };
        self.chain.take(node)?;
        if node.op_type.starts_with("TreeEnsemble") && !self.rounds {
            return Err(refused(node, "which compares numbers of double precision"));
        }
        let operator = Operator {
            node,
            constants: self.constants,
            width: self.width,
            rows,
        };
        let step = operator.step(value, meter)?;
        self.single |= step.single;
        // What is rounded before anything is worked out is the reading.
        self.rounds |= step.single && step.layers.is_empty() && self.layers.is_empty();
        for layer in step.layers {
            self.push(node, layer)?;
        }
        let outputs: Vec<&str> = node.output.iter().map(String::as_str).collect();
        match (gives_label(node), outputs.as_slice()) {
            (true, &[label, numbers]) => {
                self.classes.of_operator(node)?;
                self.label = Some(label).filter(|label| !label.is_empty());
                Ok(Some(numbers))
            }
            (false, &[output] | &[output, ..]) if outputs.len() == 1 || is_dropout(node) => {
                Ok(Some(output))
            }
            _ => Err(refused(node, "whose outputs are not those that are read")),
        }
    }

    /// Of two classes, one share becomes both: 1 - p, p.
    fn both_shares(
        &mut self,
        value: &str,
        one: &'g NodeProto,
        other: &'g NodeProto,
        meter: &mut Meter<'_>,
    ) -> Result<Option<&'g str>, ModelError> {
        let (less, both) = if one.op_type == "Sub" {
            (one, other)
        } else {
            (other, one)
        };
        let ([unity, taken], [second], [first, last]) = (
            less.input.as_slice(),
            less.output.as_slice(),
            both.input.as_slice(),
        ) else {
            return Ok(None);
        };
        let fits = (less.op_type.as_str(), both.op_type.as_str()) == ("Sub", "Concat")
            && (taken.as_str(), last.as_str()) == (value, value)
            && first == second
            && !self.chain.is_output(value)
            && matches!(integer(both, "axis"), Some(1 | -1));
        let unity = self.constants.numbers(unity, meter)?;
        let is_one = unity.is_some_and(|unity| unity.values == [1.0] && unity.shape.len() < 2);
        let [output] = both.output.as_slice() else {
            return Ok(None);
        };
        if !fits || !is_one {
            return Ok(None);
        }
        self.chain.take(less)?;
        self.chain.take(both)?;
        self.push(both, Layer::BothShares)?;
        Ok(Some(output))
    }

    fn push(&mut self, node: &NodeProto, layer: Layer) -> Result<(), ModelError> {
        if self.layers.len() == MOST_LAYERS {
            return Err(ModelError::TooLarge {
                what: "the chain of operators".into(),
                limit: format!("{MOST_LAYERS} layers"),
            });
        }
        if self.features.is_none() {
            self.features = layer.inputs();
        }
        self.width = match self.width.or(layer.inputs()) {
            None => None,
            Some(width) => Some(layer.outputs(width).map_err(|problem| {
                ModelError::Invalid(format!(
                    "{}: {problem}; export the graph again",
                    node.op_type
                ))
            })?),
        };
        self.layers.push(layer);
        Ok(())
    }

    /// The network whose layers end with a value.
    fn end(mut self, value: &'g str) -> Result<(Network, bool), ModelError> {
        self.classes
            .read(&mut self.chain, self.constants, value, self.label)?;
        self.chain.check_all_taken()?;
        let (Some(features), Some(width)) = (self.features, self.width) else {
            return Err(ModelError::Unsupported(format!(
                "the graph does not say how many columns its rows have: export it with that number, or {WAY_OUT}"
            )));
        };
        let shares = matches!(
            self.layers.last(),
            Some(Layer::Activate(Activation::Softmax) | Layer::BothShares)
        );
        let ending = if self.classes.chooses || (shares && width > 1) {
            let numbers = || Labels::Integers((0..).take(width).collect());
            Ending::Classes(Arc::new(self.classes.labels.unwrap_or_else(numbers)))
        } else if width == 1 {
            Ending::Value
        } else if width == features {
            Ending::Reconstruction
        } else {
            return Err(ModelError::Unsupported(format!(
                "the graph makes {width} numbers of {features}: of several numbers it is known what they mean where they are as many as go \
                 in, or end with Softmax or ArgMax; export it so, or {WAY_OUT}"
            )));
        };
        let network = Network::new(features, self.rounds, self.layers, ending);
        let network = network.map_err(|problem| {
            ModelError::Invalid(format!("the network: {problem}; export the graph again"))
        })?;
        Ok((network, self.single))
    }
}

/// Whether a node works with what the layers have ended with.
fn ends_layers(node: &NodeProto) -> bool {
    matches!(node.op_type.as_str(), "ArgMax" | "ZipMap")
}

/// Whether a node gives the label beside its numbers.
fn gives_label(node: &NodeProto) -> bool {
    matches!(
        node.op_type.as_str(),
        "LinearClassifier" | "TreeEnsembleClassifier"
    )
}

/// Its second output says what was dropped.
fn is_dropout(node: &NodeProto) -> bool {
    node.op_type == "Dropout"
}

fn check_operators(operators: &[OperatorSetIdProto]) -> Result<(), ModelError> {
    let mut own = operators
        .iter()
        .filter(|set| matches!(set.domain.as_str(), "" | "ai.onnx"));
    match own.find(|set| set.version < FIRST_OPERATORS) {
        Some(set) if set.version < 1 => Err(malformed("its operators have no version")),
        Some(set) => Err(ModelError::Unsupported(format!(
            "the graph has operators of version {}: export it with version {FIRST_OPERATORS} or newer, opset_version=17",
            set.version
        ))),
        None => Ok(()),
    }
}
