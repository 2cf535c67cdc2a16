use std::fmt;

use fleetscore_crds::ManifestMetadata;

/// A stream's name, under which storage and hub know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamName {
    namespace: String,
    name: String,
}

impl StreamName {
    /// The name in a manifest; without a namespace it is of `default`.
    pub fn of(metadata: &ManifestMetadata) -> Self {
        let namespace = metadata.namespace.as_deref().unwrap_or("default");
        Self {
            namespace: namespace.to_owned(),
            name: metadata.name.clone(),
        }
    }

    /// The group that the hub's metrics show the stream's progress under.
    pub fn group(&self) -> String {
        format!("fleetscore-{}-{}", self.namespace, self.name)
    }
}

/// `plant/pumps`.
impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
