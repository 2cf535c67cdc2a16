use fleetscore_crds::ModelFormat;
use prost::Message;

use super::count;
use super::graph::{Graph, float, floats, integer, short, string};
use super::proto::{ModelProto, NodeProto};
use crate::models::{Kernel, Model, ModelError, Origin, Scaler};

/// Messages and strings of a file; skl2onnx's have some 40.
const MOST_OBJECTS: usize = 100_000;
/// Operators between input and SVM.
const MOST_OPERATORS: usize = 16;

/// Whether the bytes may be an ONNX file: protobuf whose first field is `ir_version`.
pub fn recognise(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=0x7f, ..])
}

/// Reads a graph of an optional scaler, one `SVMRegressor`, and operators that only turn its score into a label.
pub fn read(bytes: &[u8]) -> Result<Model, ModelError> {
    match count::objects(bytes) {
        None => return Err(malformed("it is not protobuf")),
        Some(objects) if objects > MOST_OBJECTS => {
            return Err(ModelError::TooLarge {
                what: "the graph".into(),
                limit: format!("{MOST_OBJECTS} parts"),
            });
        }
        Some(_) => {}
    }
    let model = ModelProto::decode(bytes).map_err(|error| malformed(error.to_string()))?;
    let graph = Graph(
        model
            .graph
            .as_ref()
            .ok_or_else(|| malformed("it has no graph"))?,
    );
    let svm = graph.only("SVMRegressor")?;
    let before = operators_before(&graph, svm)?;
    check_after(&graph, svm, &before)?;
    let coefficients = floats(svm, "coefficients");
    let support_vectors = floats(svm, "support_vectors");
    let features = features(svm, &coefficients, &support_vectors)?;
    let &[rho] = floats(svm, "rho").as_slice() else {
        return Err(malformed("SVMRegressor without one rho"));
    };
    let producer = format!("{} {}", model.producer_name, model.producer_version);
    let origin = Origin {
        producer: Some(producer.trim().to_owned()).filter(|producer| !producer.is_empty()),
        single_precision: true,
        ..Origin::new(ModelFormat::Onnx)
    };
    // ONNX adds rho.
    Model::new(
        scaler(&graph, &before, features)?,
        kernel(svm)?,
        features,
        support_vectors,
        coefficients,
        -rho,
        origin,
    )
}

fn features(
    svm: &NodeProto,
    coefficients: &[f64],
    support_vectors: &[f64],
) -> Result<usize, ModelError> {
    let vectors = integer(svm, "n_supports")
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(0);
    if vectors == 0 {
        return Err(ModelError::Unsupported(
            "SVMRegressor has no support vectors (n_supports is 0)".into(),
        ));
    }
    if vectors != coefficients.len() || !support_vectors.len().is_multiple_of(vectors) {
        return Err(ModelError::Invalid(format!(
            "SVMRegressor has n_supports {vectors}, {} coefficients and {} numbers in its support vectors",
            coefficients.len(),
            support_vectors.len()
        )));
    }
    Ok(support_vectors.len() / vectors)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Checked to be an integer within the range.
fn kernel(svm: &NodeProto) -> Result<Kernel, ModelError> {
    let &[gamma, coef0, degree] = floats(svm, "kernel_params").as_slice() else {
        return Err(malformed("SVMRegressor without three kernel_params"));
    };
    match string(svm, "kernel_type").unwrap_or("LINEAR") {
        "RBF" => Ok(Kernel::Rbf { gamma }),
        "LINEAR" => Ok(Kernel::Linear),
        "POLY" if degree.fract() == 0.0 && (0.0..=1e6).contains(&degree) => {
            Ok(Kernel::Polynomial {
                gamma,
                coef0,
                degree: degree as u32,
            })
        }
        "POLY" => Err(ModelError::Invalid(format!(
            "degree {degree} is not a whole number from 0 up"
        ))),
        "SIGMOID" => Ok(Kernel::Sigmoid { gamma, coef0 }),
        other => Err(ModelError::Unsupported(format!(
            "SVMRegressor with kernel_type {}",
            short(other)
        ))),
    }
}

/// The operators from the graph's input to the SVM, in the order of computation.
fn operators_before<'g>(
    graph: &Graph<'g>,
    svm: &NodeProto,
) -> Result<Vec<&'g NodeProto>, ModelError> {
    let mut operators = Vec::new();
    let mut value = input(graph, svm)?;
    while let Some(node) = graph.producer(value) {
        if operators.len() == MOST_OPERATORS {
            let limit = format!("{MOST_OPERATORS} operators");
            return Err(ModelError::TooLarge {
                what: "the graph before the SVM".into(),
                limit,
            });
        }
        operators.push(node);
        value = input(graph, node)?;
    }
    operators.reverse();
    Ok(operators)
}

/// The one input that is not a constant.
fn input<'g>(graph: &Graph<'g>, node: &'g NodeProto) -> Result<&'g str, ModelError> {
    let mut inputs = node
        .input
        .iter()
        .filter(|name| !name.is_empty() && graph.constant(name).is_none());
    match (inputs.next(), inputs.next()) {
        (Some(name), None) => Ok(name),
        _ => Err(ModelError::Unsupported(format!(
            "{} has not one input",
            short(&node.op_type)
        ))),
    }
}

/// Whatever does not lie before the SVM may only turn its score into a label.
fn check_after(
    graph: &Graph<'_>,
    svm: &NodeProto,
    before: &[&NodeProto],
) -> Result<(), ModelError> {
    for node in &graph.0.node {
        let known = node == svm || before.contains(&node);
        if !known && !matches!(node.op_type.as_str(), "Cast" | "Sign" | "Identity") {
            return Err(ModelError::Unsupported(format!(
                "the graph has the operator {} behind SVMRegressor",
                short(&node.op_type)
            )));
        }
    }
    Ok(())
}

/// The scaler that the operators before the SVM make up, in one of the ways that skl2onnx writes them.
fn scaler(graph: &Graph<'_>, before: &[&NodeProto], features: usize) -> Result<Scaler, ModelError> {
    let operators: Vec<&NodeProto> = before
        .iter()
        .copied()
        .filter(|node| !matches!(node.op_type.as_str(), "Cast" | "Identity"))
        .collect();
    let names: Vec<&str> = operators.iter().map(|node| node.op_type.as_str()).collect();
    let operand = |at: usize| {
        let node = operators.get(at).copied();
        let constant =
            node.and_then(|node| node.input.iter().find_map(|name| graph.constant(name)));
        constant
            .map(|values| broadcast(values, features))
            .ok_or_else(|| malformed("an operator without constant"))
    };
    match (names.as_slice(), operators.first()) {
        ([], _) => Ok(Scaler::None),
        (["Scaler"], Some(node)) => {
            let inverse = broadcast(floats(node, "scale"), features);
            let scale = inverse.iter().map(|inverse| 1.0 / inverse).collect();
            Ok(Scaler::Standard {
                center: Some(broadcast(floats(node, "offset"), features)),
                scale: Some(scale),
            })
        }
        (["Sub"], _) => Ok(Scaler::Standard {
            center: Some(operand(0)?),
            scale: None,
        }),
        (["Div"], _) => Ok(Scaler::Standard {
            center: None,
            scale: Some(operand(0)?),
        }),
        (["Sub", "Div"], _) => Ok(Scaler::Standard {
            center: Some(operand(0)?),
            scale: Some(operand(1)?),
        }),
        (["Mul", "Add"], _) => Ok(Scaler::MinMax {
            scale: operand(0)?,
            min: operand(1)?,
            clip: None,
        }),
        (["Mul", "Add", "Clip"], _) => {
            let clip = operators.last().and_then(|node| clip(graph, node));
            let clip = clip.ok_or_else(|| malformed("Clip without a constant range"))?;
            Ok(Scaler::MinMax {
                scale: operand(0)?,
                min: operand(1)?,
                clip: Some(clip),
            })
        }
        (names, _) => {
            let names = names
                .iter()
                .map(|name| short(name))
                .collect::<Vec<_>>()
                .join(", ");
            Err(ModelError::Unsupported(format!(
                "the operators before SVMRegressor are no single scaler: {names}"
            )))
        }
    }
}

/// A range from the inputs, or the attributes before version 11 of the operators.
fn clip(graph: &Graph<'_>, node: &NodeProto) -> Option<(f64, f64)> {
    let bound = |at: usize, name: &str| {
        let constant = node.input.get(at).and_then(|name| graph.constant(name));
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

fn malformed(problem: impl Into<String>) -> ModelError {
    ModelError::Malformed {
        format: "ONNX",
        problem: problem.into(),
    }
}
