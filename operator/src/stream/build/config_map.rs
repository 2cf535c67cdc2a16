use fleetscore_crds::{
    API_VERSION, Kind, Manifest, ManifestMetadata, PodTemplate, ReadingStreamSpec, digest,
};
use serde_json::{Value, json};

use super::metadata;
use crate::stream::snapshot::StreamSnapshot;

/// The file of a `ConfigMap` that holds the stream.
pub struct File {
    /// Its name, which tells its text: a pod that is to read another text does not start with this one.
    pub key: String,
    /// The manifest, as JSON.
    text: String,
}

/// The file that hands the pods their stream: the spec as it is now, without what only the operator needs. It is the same whatever number
/// of pods there are to be.
pub fn file(stream: &StreamSnapshot) -> File {
    let text = json!(manifest(stream)).to_string();
    File {
        key: format!("stream-{}.json", digest(&text)),
        text,
    }
}

/// The name of a stream's `ConfigMap`. Not the stream's own, which people give to `ConfigMap`s of theirs.
pub fn config_map_name(stream: &str) -> String {
    format!("{stream}-readingstream")
}

/// The `ConfigMap` with that file.
pub fn config_map(stream: &StreamSnapshot, file: &File) -> Value {
    json!({
        "metadata": metadata(stream, &config_map_name(&stream.name)),
        "data": {&file.key: file.text},
    })
}

fn manifest(stream: &StreamSnapshot) -> Manifest<ReadingStreamSpec> {
    Manifest {
        api_version: API_VERSION.to_owned(),
        kind: Kind::ReadingStream,
        metadata: ManifestMetadata {
            name: stream.name.clone(),
            namespace: Some(stream.namespace.clone()),
            uid: Some(stream.uid.clone()),
            ..ManifestMetadata::default()
        },
        spec: ReadingStreamSpec {
            replicas: 1,
            suspend: false,
            pod_template: PodTemplate::default(),
            ..stream.spec.clone()
        },
    }
}
