use fleetscore_crds::ModelFormat;
use prost::Message;

use super::proto::{
    ATTRIBUTE_FLOATS, ATTRIBUTE_INT, ATTRIBUTE_STRING, AttributeProto, DimensionProto, GraphProto,
    ModelProto, NodeProto, OperatorSetIdProto, TENSOR_FLOAT, TENSOR_INT64, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use crate::models::{Kernel, Model, ModelError, OneClassSvm, Scaler};

/// Writes a model as an ONNX graph of the shape that skl2onnx writes: `X` in, `label` (1 normal, -1 anomaly) and `scores` out.
///
/// The format is single precision, so scores and, near 0, labels differ. Errors when the scaler clips, and when a number is
/// beyond single precision.
pub fn write_onnx(model: &Model) -> Result<Vec<u8>, ModelError> {
    let one_class = model.only_svm(ModelFormat::Onnx)?;
    one_class.check_border_at_zero(ModelFormat::Onnx)?;
    let mut nodes = scaler(one_class)?.into_iter().collect::<Vec<_>>();
    let scaled = if nodes.is_empty() { "X" } else { "variable" };
    nodes.extend([
        svm(one_class, scaled)?,
        node(
            "Cast",
            "",
            "SVMO1",
            "scores",
            vec![int("to", TENSOR_FLOAT.into())],
        ),
        node("Sign", "", "scores", "float_prediction", Vec::new()),
        node(
            "Cast",
            "",
            "float_prediction",
            "label",
            vec![int("to", TENSOR_INT64.into())],
        ),
    ]);
    let graph = GraphProto {
        node: nodes,
        name: "one-class SVM".into(),
        initializer: Vec::new(),
        input: vec![tensor(
            "X",
            TENSOR_FLOAT,
            i64::try_from(model.features).ok(),
        )],
        output: vec![
            tensor("label", TENSOR_INT64, Some(1)),
            tensor("scores", TENSOR_FLOAT, Some(1)),
        ],
    };
    let opset = |domain: &str, version| OperatorSetIdProto {
        domain: domain.into(),
        version,
    };
    let file = ModelProto {
        ir_version: 4,
        producer_name: "fleetscore".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        domain: "ai.onnx".into(),
        graph: Some(graph),
        opset_import: vec![opset("ai.onnx.ml", 1), opset("", 9)],
    };
    Ok(file.encode_to_vec())
}

/// The operator `Scaler`: (x - offset) * scale.
fn scaler(model: &OneClassSvm) -> Result<Option<NodeProto>, ModelError> {
    let d = model.features;
    let (offset, scale) = match &model.scaler {
        Scaler::None => return Ok(None),
        Scaler::Standard { center, scale } => (
            center.clone().unwrap_or_else(|| vec![0.0; d]),
            scale.as_ref().map_or_else(
                || vec![1.0; d],
                |scale| scale.iter().map(|scale| 1.0 / scale).collect(),
            ),
        ),
        Scaler::MinMax { clip: Some(_), .. } => {
            return Err(unwritable(
                "its Scaler cannot clip; write the native format",
            ));
        }
        Scaler::MinMax {
            scale,
            min,
            clip: None,
        } => (
            scale
                .iter()
                .zip(min)
                .map(|(scale, min)| -min / scale)
                .collect(),
            scale.clone(),
        ),
    };
    let attributes = vec![floats("offset", &offset)?, floats("scale", &scale)?];
    Ok(Some(node(
        "Scaler",
        "ai.onnx.ml",
        "X",
        "variable",
        attributes,
    )))
}

fn svm(model: &OneClassSvm, input: &str) -> Result<NodeProto, ModelError> {
    let kernel = match model.kernel {
        Kernel::Rbf { .. } => "RBF",
        Kernel::Linear => "LINEAR",
        Kernel::Polynomial { .. } => "POLY",
        Kernel::Sigmoid { .. } => "SIGMOID",
    };
    let (gamma, coef0, degree) = model.kernel.parameters();
    let vectors = i64::try_from(model.coefficients.len()).unwrap_or(i64::MAX);
    let attributes = vec![
        floats("coefficients", &model.coefficients)?,
        floats("kernel_params", &[gamma, coef0, f64::from(degree)])?,
        string("kernel_type", kernel),
        int("n_supports", vectors),
        string("post_transform", "NONE"),
        floats("rho", &[-model.rho])?, // ONNX adds it.
        floats("support_vectors", &model.support_vectors)?,
    ];
    Ok(node(
        "SVMRegressor",
        "ai.onnx.ml",
        input,
        "SVMO1",
        attributes,
    ))
}

fn node(
    operator: &str,
    domain: &str,
    input: &str,
    output: &str,
    attribute: Vec<AttributeProto>,
) -> NodeProto {
    NodeProto {
        input: vec![input.into()],
        output: vec![output.into()],
        name: format!("{operator} {output}"),
        op_type: operator.into(),
        attribute,
        domain: domain.into(),
    }
}

fn attribute(name: &str, kind: i32) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        kind,
        ..AttributeProto::default()
    }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        i: Some(value),
        ..attribute(name, ATTRIBUTE_INT)
    }
}

fn string(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        s: Some(value.into()),
        ..attribute(name, ATTRIBUTE_STRING)
    }
}

#[allow(clippy::cast_possible_truncation)] // Rounding to single precision is the format's.
fn floats(name: &str, values: &[f64]) -> Result<AttributeProto, ModelError> {
    let floats: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    if floats.iter().any(|value| !value.is_finite()) {
        return Err(unwritable(&format!(
            "`{name}` holds a number beyond single precision; write the native format"
        )));
    }
    Ok(AttributeProto {
        floats,
        ..attribute(name, ATTRIBUTE_FLOATS)
    })
}

/// A tensor of rows; `columns` of them where that is fixed.
fn tensor(name: &str, elem_type: i32, columns: Option<i64>) -> ValueInfoProto {
    let dim = vec![
        DimensionProto { dim_value: None },
        DimensionProto { dim_value: columns },
    ];
    let tensor_type = TensorTypeProto {
        elem_type,
        shape: Some(TensorShapeProto { dim }),
    };
    ValueInfoProto {
        name: name.into(),
        kind: Some(TypeProto {
            tensor_type: Some(tensor_type),
        }),
    }
}

fn unwritable(problem: &str) -> ModelError {
    ModelError::Unwritable {
        format: ModelFormat::Onnx,
        problem: problem.to_owned(),
    }
}
