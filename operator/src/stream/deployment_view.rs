use k8s_openapi::api::apps::v1::Deployment;

/// What is looked at of a stream's Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeploymentView {
    /// The generation of its spec.
    pub generation: i64,
    /// The generation that its controller has seen.
    pub observed: i64,
    /// Pods that there are to be.
    pub wanted: u32,
    /// Pods that there are.
    pub pods: u32,
    /// Of these, made from the present template.
    pub updated: u32,
    /// Of these, ready.
    pub ready: u32,
    /// Why no pods can be created.
    pub failure: Option<String>,
    /// That it has taken too long, in the words of its controller.
    pub overdue: Option<String>,
}

impl DeploymentView {
    /// The view of a Deployment, if it is the stream's own.
    pub fn of(deployment: &Deployment, stream_uid: &str) -> Option<Self> {
        let mut owners = deployment.metadata.owner_references.iter().flatten();
        if !owners.any(|owner| owner.uid == stream_uid && owner.controller == Some(true)) {
            return None;
        }
        let status = deployment.status.clone().unwrap_or_default();
        let spec = deployment.spec.as_ref();
        let told = |kind: &str, value: &str| {
            let mut conditions = status.conditions.iter().flatten();
            let found = conditions.find(|found| found.type_ == kind && found.status == value)?;
            let words = [found.reason.clone(), found.message.clone()];
            Some(words.into_iter().flatten().collect::<Vec<_>>().join(": "))
        };
        Some(Self {
            generation: deployment.metadata.generation.unwrap_or(0),
            observed: status.observed_generation.unwrap_or(0),
            wanted: count(spec.and_then(|spec| spec.replicas)),
            pods: count(status.replicas),
            updated: count(status.updated_replicas),
            ready: count(status.ready_replicas),
            failure: told("ReplicaFailure", "True"),
            overdue: told("Progressing", "False"),
        })
    }

    /// Whether pods are still made, replaced or taken away.
    pub fn is_rolling(&self) -> bool {
        self.observed < self.generation || [self.pods, self.updated, self.ready] != [self.wanted; 3]
    }
}

fn count(number: Option<i32>) -> u32 {
    number
        .and_then(|number| number.try_into().ok())
        .unwrap_or(0)
}
