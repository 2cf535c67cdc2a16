/// A mistake of the manifest that only whoever reads events can tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct SpecError {
    /// The manifest's field, such as `spec.event.fields.v.path`.
    pub path: String,
    /// What is wrong, and the way out.
    pub message: String,
}

impl SpecError {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }
}
