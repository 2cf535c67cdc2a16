//! One-class SVMs: an optional scaler, `SVMRegressor`, and operators that only turn its score into a label.

use super::graph::{Graph, floats, integer, short, string};
use super::proto::NodeProto;
use super::{malformed, scaler};
use crate::models::{Kernel, ModelError, OneClassSvm};

/// The operator that is the SVM.
pub const OPERATOR: &str = "SVMRegressor";
/// Operators between input and SVM.
const MOST_OPERATORS: usize = 16;

/// Reads the SVM of a graph.
///
/// Errors when there are several, or other operators.
pub fn read(graph: &Graph<'_>) -> Result<OneClassSvm, ModelError> {
    let svm = graph.only(OPERATOR)?;
    if !matches!(string(svm, "post_transform"), None | Some("NONE")) {
        return Err(ModelError::Unsupported(
            "SVMRegressor with a post_transform: convert a OneClassSVM, which has none".into(),
        ));
    }
    let before = operators_before(graph, svm)?;
    check_after(graph, svm, &before)?;
    let coefficients = floats(svm, "coefficients");
    let support_vectors = floats(svm, "support_vectors");
    let features = features(svm, &coefficients, &support_vectors)?;
    let &[rho] = floats(svm, "rho").as_slice() else {
        return Err(malformed("SVMRegressor without one rho"));
    };
    // ONNX adds rho.
    OneClassSvm::new(
        scaler::read(graph, &before, features)?,
        kernel(svm)?,
        features,
        support_vectors,
        coefficients,
        -rho,
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
            "SVMRegressor with kernel_type {}; supported are RBF, LINEAR, POLY and SIGMOID: train with one of them",
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
    let (at, mut value) = graph.data_input(svm)?;
    if at != 0 {
        return Err(malformed("SVMRegressor whose first input is a constant"));
    }
    while let Some(node) = graph.producer(value) {
        if operators.len() == MOST_OPERATORS {
            let limit = format!("{MOST_OPERATORS} operators");
            return Err(ModelError::TooLarge {
                what: "the graph before the SVM".into(),
                limit,
            });
        }
        operators.push(node);
        (_, value) = graph.data_input(node)?;
    }
    operators.reverse();
    Ok(operators)
}

/// Whatever does not lie before the SVM may only turn its score into a label.
fn check_after(
    graph: &Graph<'_>,
    svm: &NodeProto,
    before: &[&NodeProto],
) -> Result<(), ModelError> {
    for node in &graph.0.node {
        let known =
            std::ptr::eq(node, svm) || before.iter().any(|other| std::ptr::eq(*other, node));
        if !known && !matches!(node.op_type.as_str(), "Cast" | "Sign" | "Identity") {
            return Err(ModelError::Unsupported(format!(
                "the graph has the operator {} behind SVMRegressor or beside it: convert the one-class SVM alone, with at most one scaler \
                 before it",
                short(&node.op_type)
            )));
        }
    }
    Ok(())
}
