//! What an API server adds to an object, as `kubectl get -o yaml` prints it: it says nothing about what is asked for.

use super::node::{Node, Placed};

/// Fields of the metadata that an API server sets.
const METADATA: [&str; 11] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Leaves out of the object `root` what an API server has added.
pub fn leave_out(root: &mut Placed) {
    if let Node::Map(fields) = &mut root.node {
        fields.retain(|(name, _)| name != "status");
    }
    if let Some(Node::Map(fields)) = root.get_mut("metadata").map(|metadata| &mut metadata.node) {
        fields.retain(|(name, _)| !METADATA.contains(&name.as_str()));
    }
}
