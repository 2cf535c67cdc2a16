use super::deployment_view::DeploymentView;
use super::picture::Picture;
use super::pod_view::PodView;

/// What one pass has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The stream's Deployment, once there is one.
    pub deployment: Option<DeploymentView>,
    /// Its pods, by name.
    pub pods: Vec<PodView>,
    /// What they say.
    pub picture: Picture,
    /// Why it cannot have what it needs.
    pub hindrance: Option<Hindrance>,
}

/// Why a stream cannot have what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hindrance {
    /// Whether someone must do something about it.
    pub lasts: bool,
    /// In one word.
    pub reason: String,
    /// In a sentence.
    pub message: String,
}
