use super::deployment_view::DeploymentView;
use super::picture::Picture;
use super::pod_view::StreamPodView;
use crate::controller::Refusal;

/// What one pass has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// The stream's Deployment, once there is one.
    pub deployment: Option<DeploymentView>,
    /// Its pods, by name.
    pub pods: Vec<StreamPodView>,
    /// What they say.
    pub picture: Picture,
    /// Why it cannot have what it needs.
    pub refusal: Option<Refusal>,
}
