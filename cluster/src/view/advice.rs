use schemars::JsonSchema;
use serde::Serialize;

/// The kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Subject {
    /// A run.
    Run,
    /// A schedule.
    Schedule,
    /// A stream.
    Stream,
}

/// Something that a person should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// The kind of the object.
    pub kind: Subject,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Why, in one word.
    pub reason: String,
    /// What is the matter.
    pub message: String,
    /// The words of the command that tells more or mends it, without `kubectl` or `fleetscore`; none where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}
