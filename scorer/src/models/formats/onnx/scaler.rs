//! What the operators before the SVM do to a reading.

use super::graph::{Graph, float, floats, integer, short};
use super::proto::{NodeProto, TENSOR_DOUBLE, TENSOR_FLOAT};
use crate::models::{ModelError, Scaler};

/// What an operator before the SVM does to a reading.
enum Step {
    Nothing,
    /// x - c, or c - x
    Subtract {
        constant: Vec<f64>,
        reversed: bool,
    },
    /// x / c
    Divide(Vec<f64>),
    /// x * c or c * x
    Multiply(Vec<f64>),
    /// x + c or c + x
    Add(Vec<f64>),
    Clip(f64, f64),
    /// (x - offset) * scale
    Scale {
        offset: Vec<f64>,
        scale: Vec<f64>,
    },
}

impl Step {
    fn of(graph: &Graph<'_>, node: &NodeProto, features: usize) -> Result<Self, ModelError> {
        let (data, _) = graph.data_input(node)?;
        let name = node.op_type.as_str();
        let refused = |problem: &str| {
            Err(ModelError::Unsupported(format!(
                "the graph has the operator {} before SVMRegressor, {problem}: convert a pipeline of StandardScaler, MinMaxScaler, \
                 RobustScaler or MaxAbsScaler and OneClassSVM, or use its pickle, joblib or skops file",
                short(name)
            )))
        };
        // Its other input, of two.
        let constant = || match (node.input.as_slice(), data) {
            ([_, other], 0) | ([other, _], 1) => {
                let values = graph
                    .constant(other)
                    .map(|values| broadcast(values, features));
                values.filter(|values| values.len() == features)
            }
            _ => None,
        };
        let no_constant = "whose constant does not have one number a feature";
        match name {
            "Identity" => Ok(Self::Nothing),
            "Cast" => match integer(node, "to").and_then(|kind| i32::try_from(kind).ok()) {
                Some(TENSOR_FLOAT | TENSOR_DOUBLE) => Ok(Self::Nothing),
                _ => refused("which makes other numbers of the readings"),
            },
            "Imputer" => imputer(node, features).map_or_else(
                || refused("which changes readings that are numbers"),
                |()| Ok(Self::Nothing),
            ),
            "Scaler" => {
                let (offset, scale) = (floats(node, "offset"), floats(node, "scale"));
                Ok(Self::Scale {
                    offset: broadcast(offset, features),
                    scale: broadcast(scale, features),
                })
            }
            "Clip" if data == 0 => match clip(graph, node) {
                Some((low, high)) => Ok(Self::Clip(low, high)),
                None => refused("whose range is no constant"),
            },
            "Div" if data == 1 => refused("which divides by the readings"),
            "Sub" | "Div" | "Mul" | "Add" => match (name, constant()) {
                (_, None) => refused(no_constant),
                ("Sub", Some(constant)) => Ok(Self::Subtract {
                    constant,
                    reversed: data == 1,
                }),
                ("Div", Some(constant)) => Ok(Self::Divide(constant)),
                ("Mul", Some(constant)) => Ok(Self::Multiply(constant)),
                (_, Some(constant)) => Ok(Self::Add(constant)),
            },
            _ => refused("which is no scaler"),
        }
    }
}

/// Whether an `Imputer` leaves every finite number as it is: what it replaces is NaN, which no reading is.
fn imputer(node: &NodeProto, features: usize) -> Option<()> {
    let replaced = float(node, "replaced_value_float")?;
    let values = floats(node, "imputed_value_floats");
    let fits = values.len() == 1 || values.len() == features;
    (replaced.is_nan() && fits && values.iter().all(|value| value.is_finite())).then_some(())
}

/// The scaler that the operators before the SVM make up, in one of the ways that skl2onnx writes them.
pub fn read(
    graph: &Graph<'_>,
    before: &[&NodeProto],
    features: usize,
) -> Result<Scaler, ModelError> {
    let steps = before
        .iter()
        .map(|node| Step::of(graph, node, features))
        .filter(|step| !matches!(step, Ok(Step::Nothing)))
        .collect::<Result<Vec<Step>, _>>()?;
    let mut steps = steps.into_iter();
    let first_three = (steps.next(), steps.next(), steps.next());
    match (first_three, steps.next()) {
        ((None, None, None), None) => Ok(Scaler::None),
        ((Some(Step::Scale { offset, scale }), None, None), None) => Ok(Scaler::Standard {
            center: Some(offset),
            scale: Some(scale.iter().map(|inverse| 1.0 / inverse).collect()),
        }),
        ((Some(Step::Subtract { constant, reversed }), None, None), None) => {
            Ok(Scaler::Standard {
                // c - x is (x - c) / -1 to the last bit.
                scale: reversed.then(|| vec![-1.0; features]),
                center: Some(constant),
            })
        }
        ((Some(Step::Divide(scale)), None, None), None) => Ok(Scaler::Standard {
            center: None,
            scale: Some(scale),
        }),
        ((Some(Step::Subtract { constant, reversed }), Some(Step::Divide(scale)), None), None) => {
            let sign = if reversed { -1.0 } else { 1.0 };
            Ok(Scaler::Standard {
                center: Some(constant),
                scale: Some(scale.iter().map(|scale| sign * scale).collect()),
            })
        }
        ((Some(Step::Multiply(scale)), Some(Step::Add(min)), clip), None)
            if matches!(clip, None | Some(Step::Clip(..))) =>
        {
            let clip = match clip {
                Some(Step::Clip(low, high)) => Some((low, high)),
                _ => None,
            };
            Ok(Scaler::MinMax { scale, min, clip })
        }
        _ => {
            let names = before.iter().take(8).map(|node| short(&node.op_type));
            Err(ModelError::Unsupported(format!(
                "the operators before SVMRegressor are no single scaler: {}; convert a pipeline of one scaler and OneClassSVM, or use \
                 its pickle, joblib or skops file",
                names.collect::<Vec<_>>().join(", ")
            )))
        }
    }
}

/// A range from the inputs, or the attributes before version 11 of the operators.
fn clip(graph: &Graph<'_>, node: &NodeProto) -> Option<(f64, f64)> {
    let bound = |at: usize, name: &str| {
        let constant = node.input.get(at).and_then(|name| graph.constant(name));
        let constant = constant.filter(|values| values.len() == 1);
        constant
            .and_then(|values| values.first().copied())
            .or_else(|| float(node, name))
    };
    bound(1, "min").zip(bound(2, "max"))
}

/// One number stands for all features.
fn broadcast(values: Vec<f64>, features: usize) -> Vec<f64> {
    match values.as_slice() {
        &[value] => vec![value; features],
        _ => values,
    }
}

#[cfg(test)]
mod tests {
    use fleetscore_crds::ModelFormat;
    use prost::Message;

    use super::*;
    use crate::models::formats::onnx::proto::{
        ATTRIBUTE_INT, AttributeProto, ModelProto, TENSOR_INT64, TensorProto,
    };
    use crate::models::{Kernel, Model, OneClassSvm, Origin, read, write_onnx};

    /// A graph in which the operators lie before an SVM of two features: name, whether the constant comes first, the constant.
    fn graph(operators: &[(&str, bool, &[f32])]) -> Vec<u8> {
        let origin = Origin::new(ModelFormat::Native);
        let vectors = vec![0.5, -1.0, 2.0, 0.25];
        let kernel = Kernel::Rbf { gamma: 0.5 };
        let svm = OneClassSvm::new(Scaler::None, kernel, 2, vectors, vec![1.0, 0.5], 0.75).unwrap();
        let bytes = write_onnx(&Model::of_svm(svm, origin).unwrap()).unwrap();
        let mut file = ModelProto::decode(bytes.as_slice()).unwrap();
        let graph = file.graph.as_mut().unwrap();
        let mut value = "X".to_owned();
        for (at, (operator, reversed, constant)) in operators.iter().enumerate() {
            let name = format!("c{at}");
            graph.initializer.push(TensorProto {
                dims: vec![i64::try_from(constant.len()).unwrap()],
                data_type: TENSOR_FLOAT,
                float_data: constant.to_vec(),
                name: name.clone(),
                ..TensorProto::default()
            });
            let mut input = vec![value, name];
            if *reversed {
                input.reverse();
            }
            value = format!("v{at}");
            let node = NodeProto {
                input,
                output: vec![value.clone()],
                op_type: (*operator).to_owned(),
                ..NodeProto::default()
            };
            graph.node.insert(at, node);
        }
        graph.node[operators.len()].input = vec![value];
        file.encode_to_vec()
    }

    fn scaler_of(bytes: &[u8]) -> Result<Scaler, String> {
        let model = read(bytes, ModelFormat::Onnx);
        model
            .map(|model| model.svm().unwrap().scaler.clone())
            .map_err(|error| error.to_string())
    }

    /// What the graph computes for a reading, operator by operator.
    fn computed(operators: &[(&str, bool, &[f32])], row: [f64; 2]) -> Vec<f64> {
        let mut row = row;
        for (operator, reversed, constant) in operators {
            for (x, c) in row.iter_mut().zip(constant.iter().cycle()) {
                let c = f64::from(*c);
                *x = match (*operator, reversed) {
                    ("Sub", false) => *x - c,
                    ("Sub", true) => c - *x,
                    ("Div", false) => *x / c,
                    ("Mul", _) => *x * c,
                    ("Add", _) => *x + c,
                    other => panic!("{other:?}"),
                };
            }
        }
        row.to_vec()
    }

    #[test]
    fn operands_on_either_side_mean_what_the_operators_say() {
        let (one, two): (&[f32], &[f32]) = (&[3.0], &[0.7, -5.0]);
        for operators in [
            &[("Sub", false, two)][..],
            &[("Sub", true, two)],
            &[("Sub", true, one)],
            &[("Div", false, two)],
            &[("Sub", false, two), ("Div", false, one)],
            &[("Sub", true, two), ("Div", false, two)],
            &[("Mul", false, two), ("Add", false, one)],
            &[("Mul", true, two), ("Add", true, two)],
            &[("Mul", true, one), ("Add", false, two)],
        ] {
            let scaler = scaler_of(&graph(operators)).unwrap();
            for row in [[1.0, 2.0], [-0.3, 1e9], [0.1, -7.7]] {
                let mut scaled = [0.0; 2];
                scaler.apply(&row, &mut scaled);
                assert_eq!(scaled.to_vec(), computed(operators, row), "{operators:?}");
            }
        }
    }

    #[test]
    fn what_is_no_scaler_is_refused_with_the_way_out() {
        let two: &[f32] = &[0.7, -5.0];
        for (operators, part) in [
            (
                &[("Div", true, two)][..],
                "Div before SVMRegressor, which divides by the readings",
            ),
            (
                &[("Add", false, two), ("Mul", false, two)],
                "no single scaler: Add, Mul",
            ),
            (
                &[("Pow", false, two)],
                "Pow before SVMRegressor, which is no scaler",
            ),
            (&[("Sub", false, &[1.0, 2.0, 3.0])], "one number a feature"),
        ] {
            let message = scaler_of(&graph(operators)).unwrap_err();
            assert!(message.contains(part), "{message}");
            assert!(
                message.contains("use its pickle, joblib or skops file"),
                "{message}"
            );
        }
        // A cast to integers cuts the readings off.
        let mut file = ModelProto::decode(graph(&[]).as_slice()).unwrap();
        let nodes = &mut file.graph.as_mut().unwrap().node;
        nodes[0].input = vec!["cut".to_owned()];
        nodes.push(NodeProto {
            input: vec!["X".to_owned()],
            output: vec!["cut".to_owned()],
            op_type: "Cast".to_owned(),
            attribute: vec![AttributeProto {
                name: "to".to_owned(),
                i: Some(TENSOR_INT64.into()),
                kind: ATTRIBUTE_INT,
                ..AttributeProto::default()
            }],
            ..NodeProto::default()
        });
        let message = scaler_of(&file.encode_to_vec()).unwrap_err();
        assert!(
            message.contains("Cast before SVMRegressor, which makes other numbers"),
            "{message}"
        );
    }
}
