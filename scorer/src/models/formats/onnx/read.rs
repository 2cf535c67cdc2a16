use fleetscore_crds::ModelFormat;
use prost::Message;

use super::graph::Graph;
use super::proto::{AttributeProto, ModelProto};
use super::{count, malformed, network, svm};
use crate::models::formats::limits::Meter;
use crate::models::{Estimator, Model, ModelError, Origin};

/// Messages and strings of a file; skl2onnx's have some 40.
const MOST_OBJECTS: usize = 100_000;

/// Whether the bytes may be an ONNX file: protobuf whose first field is `ir_version`.
pub fn recognise(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=0x7f, ..])
}

/// Reads a graph: a one-class SVM, or operators that make a small network.
pub fn read(bytes: &[u8], meter: &mut Meter<'_>) -> Result<Model, ModelError> {
    let Some(count) = count::count(bytes) else {
        return Err(malformed(
            "it is not protobuf: damaged or cut off; copy or convert it again",
        ));
    };
    if count.objects > MOST_OBJECTS {
        return Err(ModelError::TooLarge {
            what: "the graph".into(),
            limit: format!("{MOST_OBJECTS} parts"),
        });
    }
    // Each is held three times while its list grows; what is no message or whole number is held as in the file.
    let integers = count.integers.saturating_mul(3 * size_of::<i64>());
    meter.take(
        (count.objects * 3 * size_of::<AttributeProto>())
            .saturating_add(integers)
            .saturating_add(bytes.len()),
    )?;
    let model = ModelProto::decode(bytes).map_err(|error| malformed(error.to_string()))?;
    let graph = model.graph.as_ref();
    let graph = Graph(graph.ok_or_else(|| malformed("it has no graph"))?);
    let producer = format!("{} {}", model.producer_name, model.producer_version);
    let origin = Origin {
        producer: Some(producer.trim().to_owned()).filter(|producer| !producer.is_empty()),
        single_precision: true,
        ..Origin::new(ModelFormat::Onnx)
    };
    if graph.has(svm::OPERATOR) {
        // Its numbers are held as f64, twice.
        meter.take(bytes.len().saturating_mul(4))?;
        return Model::of_svm(svm::read(&graph)?, origin);
    }
    let (network, single_precision) = network::read(&graph, &model.opset_import, meter)?;
    let origin = Origin {
        single_precision,
        ..origin
    };
    Model::new(Vec::new(), Estimator::Network(network), origin)
}
