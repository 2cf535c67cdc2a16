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

/// Reasons why runs fail or wait whose cause `doctor` looks for: what storage, nodes, images and quotas refuse.
const EXAMINED: [&str; 8] = [
    "AccessDenied",
    "ErrImageNeverPull",
    "ErrImagePull",
    "FailedCreate",
    "ImagePullBackOff",
    "InvalidImageName",
    "InvalidStorage",
    "Unschedulable",
];

/// The command that finds the cause of such a reason; none of any other.
pub(super) fn examined(reason: &str, namespace: &str) -> Option<String> {
    EXAMINED
        .contains(&reason)
        .then(|| format!("doctor -n {namespace}"))
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

impl Notice {
    /// The same on the page of its object, which is no command to go on with there.
    pub(super) fn on_own_page(mut self) -> Self {
        self.command
            .take_if(|command| command.starts_with("status "));
        self
    }
}
