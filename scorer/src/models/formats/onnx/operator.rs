//! What the operators of a network do to a row.

use super::chain::refused;
use super::graph::{float, floats, integer, integers, string};
use super::proto::{NodeProto, TENSOR_DOUBLE, TENSOR_FLOAT};
use super::tensor::{Constants, Numbers};
use super::trees;
use crate::models::ModelError;
use crate::models::formats::limits::Meter;
use crate::models::network::{Activation, Dense, Layer, Operation};

/// What an operator does to rows.
pub struct Step {
    /// One after the other; none where it leaves the numbers as they are.
    pub layers: Vec<Layer>,
    /// Whether it rounds numbers to single precision, or has such numbers of its own.
    pub single: bool,
}

/// A node on the way of the rows.
pub struct Operator<'a, 'g> {
    pub node: &'g NodeProto,
    pub constants: &'a Constants<'g>,
    /// Columns of the rows that it takes, where that is known.
    pub width: Option<usize>,
    /// Rows, where the graph takes so many and no others.
    pub rows: Option<usize>,
}

/// A step that leaves the numbers as they are.
const NOTHING: Step = Step {
    layers: Vec::new(),
    single: false,
};

impl Operator<'_, '_> {
    /// What the operator does to rows.
    ///
    /// Errors when it is none of those that work on each row alone, or not so that it does.
    pub fn step(&self, value: &str, meter: &mut Meter<'_>) -> Result<Step, ModelError> {
        let data = self.data_input(value)?;
        let domain = self.node.domain.as_str();
        match (domain, self.node.op_type.as_str()) {
            ("" | "ai.onnx", _) if data == 1 => self.second(meter),
            ("" | "ai.onnx", _) => self.first(meter),
            ("ai.onnx.ml", "Scaler") => self.scaler(),
            ("ai.onnx.ml", "LinearRegressor" | "LinearClassifier") => self.linear(meter),
            ("ai.onnx.ml", "TreeEnsembleRegressor" | "TreeEnsembleClassifier") => Ok(Step {
                layers: trees::layers(self.node, meter)?,
                single: true,
            }),
            ("ai.onnx.ml", "Normalizer") if string(self.node, "norm") == Some("L1") => {
                Ok(layer(Layer::Normalise))
            }
            _ => Err(self.refused("which is not read")),
        }
    }

    /// The operator's step where the rows are its first input.
    fn first(&self, meter: &mut Meter<'_>) -> Result<Step, ModelError> {
        let alpha = |default: f64| float(self.node, "alpha").unwrap_or(default);
        let activation = |activation| Ok(layer(Layer::Activate(activation)));
        match self.node.op_type.as_str() {
            "Identity" => Ok(NOTHING),
            "Cast" => self.cast(),
            "Flatten" if matches!(integer(self.node, "axis"), None | Some(1)) => Ok(NOTHING),
            "Reshape" => self.reshape(),
            "Squeeze" if self.width == Some(1) && self.axes() == Some(vec![1]) => Ok(NOTHING),
            "Dropout" => self.dropout(),
            "Gemm" => self.gemm(meter),
            "MatMul" => self.matrix_product(meter),
            "BatchNormalization" => self.batch_normalization(meter),
            "Add" => self.columns(Operation::Add, 1, meter),
            "Sub" => self.columns(Operation::Subtract, 1, meter),
            "Mul" => self.columns(Operation::Multiply, 1, meter),
            "Div" => self.columns(Operation::Divide, 1, meter),
            "Relu" => activation(Activation::Relu),
            "LeakyRelu" => activation(Activation::LeakyRelu(alpha(f64::from(0.01_f32)))),
            "Elu" => activation(Activation::Elu(alpha(1.0))),
            "Selu" => activation(Activation::Selu(
                alpha(1.673_263_192_176_818_8),
                float(self.node, "gamma").unwrap_or(1.050_701_022_148_132_3),
            )),
            "Softplus" => activation(Activation::Softplus),
            "Tanh" => activation(Activation::Tanh),
            "Sigmoid" => activation(Activation::Sigmoid),
            "Clip" => self.clip(meter),
            "Softmax" => match integer(self.node, "axis") {
                None | Some(1 | -1) => activation(Activation::Softmax),
                Some(_) => Err(self.refused("which mixes rows")),
            },
            _ => Err(self.refused("which is not read")),
        }
    }

    /// The operator's step where the rows are its second input.
    fn second(&self, meter: &mut Meter<'_>) -> Result<Step, ModelError> {
        match self.node.op_type.as_str() {
            "Add" => self.columns(Operation::Add, 0, meter),
            "Sub" => self.columns(Operation::SubtractFrom, 0, meter),
            "Mul" => self.columns(Operation::Multiply, 0, meter),
            "Div" => Err(self.refused("which divides by the readings")),
            "MatMul" | "Gemm" => Err(self.refused("which mixes rows")),
            _ => Err(self.refused("which is not read")),
        }
    }

    /// The position of the value among the inputs; all others are constants.
    fn data_input(&self, value: &str) -> Result<usize, ModelError> {
        let inputs = self.node.input.iter().enumerate();
        let mut inputs = inputs.filter(|(_, name)| !name.is_empty() && !self.constants.has(name));
        match (inputs.next(), inputs.next()) {
            (Some((at, name)), None) if name == value => Ok(at),
            _ => Err(self.refused("where paths meet")),
        }
    }

    /// A constant that is an input.
    fn numbers(&self, at: usize, meter: &mut Meter<'_>) -> Result<Numbers, ModelError> {
        let name = self.node.input.get(at).map_or("", String::as_str);
        let numbers = self.constants.numbers(name, meter)?;
        numbers.ok_or_else(|| {
            self.refused(&format!(
                "whose input {at} is no constant of float or double numbers"
            ))
        })
    }

    /// A number for each column, or the same for all.
    fn row(&self, at: usize, meter: &mut Meter<'_>) -> Result<(Vec<f64>, bool), ModelError> {
        let numbers = self.numbers(at, meter)?;
        // One number stands for all columns.
        meter.take(self.width.unwrap_or(0).saturating_mul(size_of::<f64>()))?;
        let row = numbers.of_columns(self.width);
        let row = row.ok_or_else(|| {
            self.refused(&format!(
                "whose input {at} does not have one number a column"
            ))
        })?;
        Ok((row, numbers.single))
    }

    fn columns(
        &self,
        operation: Operation,
        constant: usize,
        meter: &mut Meter<'_>,
    ) -> Result<Step, ModelError> {
        let (numbers, single) = self.row(constant, meter)?;
        Ok(Step {
            layers: vec![Layer::Columns(operation, numbers)],
            single,
        })
    }

    fn gemm(&self, meter: &mut Meter<'_>) -> Result<Step, ModelError> {
        if integer(self.node, "transA").unwrap_or(0) != 0 {
            return Err(self.refused("with transA, which mixes rows"));
        }
        let (mut weights, outputs, single) = self.matrix(meter)?;
        let alpha = float(self.node, "alpha").unwrap_or(1.0);
        weights.iter_mut().for_each(|weight| *weight *= alpha);
        let has_bias = self.node.input.get(2).is_some_and(|name| !name.is_empty());
        let bias = if has_bias {
            let beta = float(self.node, "beta").unwrap_or(1.0);
            let after = Operator {
                width: Some(outputs),
                ..*self
            };
            let (mut bias, _) = after.row(2, meter)?;
            bias.iter_mut().for_each(|bias| *bias *= beta);
            bias
        } else {
            vec![0.0; outputs]
        };
        self.dense(weights, bias, single)
    }

    fn matrix_product(&self, meter: &mut Meter<'_>) -> Result<Step, ModelError> {
        let (weights, outputs, single) = self.matrix(meter)?;
        self.dense(weights, vec![0.0; outputs], single)
    }

    /// The second input as weights column by column, and the number of sums.
    fn matrix(&self, meter: &mut Meter<'_>) -> Result<(Vec<f64>, usize, bool), ModelError> {
        let numbers = self.numbers(1, meter)?;
        let &[rows, columns] = numbers.shape.as_slice() else {
            return Err(self.refused("whose weights are no matrix"));
        };
        let single = numbers.single;
        if integer(self.node, "transB").unwrap_or(0) == 0 {
            return Ok((numbers.values, columns, single));
        }
        Ok((transposed(&numbers.values, columns), rows, single))
    }

    fn dense(&self, weights: Vec<f64>, start: Vec<f64>, single: bool) -> Result<Step, ModelError> {
        let dense = Dense::new(weights, start);
        let dense = dense.map_err(|problem| {
            ModelError::Invalid(format!(
                "{}: {problem}; export the graph again",
                self.node.op_type
            ))
        })?;
        Ok(Step {
            layers: vec![Layer::Dense(dense)],
            single,
        })
    }

    /// `LinearRegressor` and `LinearClassifier`: a list of coefficients for each sum.
    fn linear(&self, meter: &mut Meter<'_>) -> Result<Step, ModelError> {
        let coefficients = floats(self.node, "coefficients");
        meter.take(coefficients.len().saturating_mul(2 * size_of::<f64>()))?;
        let is_classifier = self.node.op_type == "LinearClassifier";
        let mut intercepts = floats(self.node, "intercepts");
        if intercepts.is_empty() && !is_classifier {
            let targets = integer(self.node, "targets").unwrap_or(1);
            let targets = usize::try_from(targets)
                .ok()
                .filter(|it| *it <= coefficients.len());
            intercepts = vec![0.0; targets.unwrap_or(0)];
        }
        let sums = intercepts.len();
        if sums == 0 || !coefficients.len().is_multiple_of(sums) {
            return Err(self.refused("whose coefficients and intercepts do not fit"));
        }
        let weights = transposed(&coefficients, coefficients.len() / sums);
        let mut step = self.dense(weights, intercepts, true)?;
        let after = match string(self.node, "post_transform").unwrap_or("NONE") {
            "NONE" => None,
            "SOFTMAX" if is_classifier => Some(Activation::Softmax),
            "LOGISTIC" if is_classifier => Some(Activation::Sigmoid),
            _ => return Err(self.refused("whose post_transform is not read")),
        };
        step.layers.extend(after.map(Layer::Activate));
        Ok(step)
    }

    /// (x - offset) * scale
    fn scaler(&self) -> Result<Step, ModelError> {
        let row = |name: &str| {
            let values = floats(self.node, name);
            let numbers = Numbers {
                shape: vec![values.len()],
                values,
                single: true,
            };
            let problem =
                || self.refused(&format!("whose {name} does not have one number a column"));
            numbers.of_columns(self.width).ok_or_else(problem)
        };
        Ok(Step {
            layers: vec![
                Layer::Columns(Operation::Subtract, row("offset")?),
                Layer::Columns(Operation::Multiply, row("scale")?),
            ],
            single: true,
        })
    }

    /// (x - mean) / sqrt(variance + epsilon) * scale + bias
    fn batch_normalization(&self, meter: &mut Meter<'_>) -> Result<Step, ModelError> {
        if integer(self.node, "training_mode").unwrap_or(0) != 0 {
            return Err(self.refused("in training, which mixes rows: export it with model.eval()"));
        }
        let epsilon = float(self.node, "epsilon").unwrap_or_else(|| f64::from(1e-5_f32));
        let mut row = |at| self.row(at, meter);
        let ((scale, single), (bias, _), (mean, _), (variance, _)) =
            (row(1)?, row(2)?, row(3)?, row(4)?);
        let scale = scale.iter().zip(&variance);
        let scale = scale.map(|(scale, variance)| scale / (variance + epsilon).sqrt());
        Ok(Step {
            layers: vec![
                Layer::Columns(Operation::Subtract, mean),
                Layer::Columns(Operation::Multiply, scale.collect()),
                Layer::Columns(Operation::Add, bias),
            ],
            single,
        })
    }

    fn cast(&self) -> Result<Step, ModelError> {
        match integer(self.node, "to").and_then(|kind| i32::try_from(kind).ok()) {
            Some(TENSOR_FLOAT) => Ok(Step {
                layers: Vec::new(),
                single: true,
            }),
            Some(TENSOR_DOUBLE) => Ok(NOTHING),
            _ => Err(self.refused("which makes other numbers of them")),
        }
    }

    /// Rows that stay rows: of any number of them, or of as many as the graph takes.
    fn reshape(&self) -> Result<Step, ModelError> {
        let shape = self.node.input.get(1).map_or("", String::as_str);
        let shape = self.constants.integers(shape);
        let allows_zero = integer(self.node, "allowzero").unwrap_or(0) != 0;
        let is = |length: Option<usize>, wanted: i64| {
            length.and_then(|length| i64::try_from(length).ok()) == Some(wanted)
        };
        let stays = match shape.as_deref() {
            Some(&[rows, columns]) => {
                let same_columns = columns > 0 && is(self.width, columns);
                match rows {
                    0 if !allows_zero => same_columns || matches!(columns, -1 | 0),
                    -1 => same_columns || (columns == 0 && !allows_zero),
                    rows if rows > 0 && is(self.rows, rows) => same_columns || columns == -1,
                    _ => false,
                }
            }
            // One column may become the rows' only number.
            Some(&[-1]) => self.width == Some(1),
            _ => false,
        };
        if stays {
            return Ok(NOTHING);
        }
        Err(self.refused("which may move numbers from row to row"))
    }

    /// The axes that a `Squeeze` takes away, counted from the first; its attribute before version 13 of the operators.
    fn axes(&self) -> Option<Vec<i64>> {
        let axes = match self.node.input.get(1) {
            Some(name) => self.constants.integers(name)?,
            None => integers(self.node, "axes"),
        };
        let from_first = |axis: i64| if axis < 0 { axis + 2 } else { axis };
        Some(axes.into_iter().map(from_first).collect())
    }

    fn dropout(&self) -> Result<Step, ModelError> {
        let training = match self.node.input.get(2).map(String::as_str) {
            None | Some("") => false,
            Some(name) => self.constants.integers(name) != Some(vec![0]),
        };
        if training {
            return Err(
                self.refused("in training, which drops at random: export it with model.eval()")
            );
        }
        Ok(NOTHING)
    }

    /// A range from the inputs, or the attributes before version 11 of the operators.
    fn clip(&self, meter: &mut Meter<'_>) -> Result<Step, ModelError> {
        let mut bound = |at: usize, name: &str, absent: f64| {
            if self.node.input.get(at).is_none_or(String::is_empty) {
                return Ok(float(self.node, name).unwrap_or(absent));
            }
            match self.numbers(at, meter)?.values.as_slice() {
                &[bound] => Ok(bound),
                _ => Err(self.refused("whose range has several ends")),
            }
        };
        let low = bound(1, "min", f64::NEG_INFINITY)?;
        let high = bound(2, "max", f64::INFINITY)?;
        Ok(layer(Layer::Activate(Activation::Clip(low, high))))
    }

    fn refused(&self, problem: &str) -> ModelError {
        refused(self.node, problem)
    }
}

fn layer(layer: Layer) -> Step {
    Step {
        layers: vec![layer],
        single: false,
    }
}

/// Rows of so many columns as columns.
fn transposed(values: &[f64], columns: usize) -> Vec<f64> {
    let column = |at| values.iter().skip(at).step_by(columns.max(1));
    (0..columns).flat_map(column).copied().collect()
}
