//! Writes the stream's children. Pods, partitions and their owners are not its matter.

use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::core::ObjectMeta;
use serde_json::json;

use super::build::ChildObject;
use super::snapshot::StreamSnapshot;
use crate::api::{FIELD_MANAGER, code_of};
use crate::controller::{PassError, Refusal, name_conflict, refusal_of};

/// Writes the children of a stream in order, up to the first refusal; gives the generation of the last one, the Deployment.
///
/// # Errors
///
/// [`PassError::Outdated`] where someone else came in between; [`PassError::Write`] where the API server could not be asked.
pub async fn apply(
    client: &Client,
    stream: &StreamSnapshot,
    children: &[ChildObject],
) -> Result<Result<i64, Refusal>, PassError> {
    let mut generation = 0;
    for child in children {
        match write(client, stream, child).await {
            Ok(Ok(written)) => generation = written.metadata.generation.unwrap_or(0),
            Ok(Err(obstacle)) => return Ok(Err(obstacle)),
            Err(error) if code_of(&error) == Some(409) => return Err(PassError::Outdated),
            Err(error) => return Ok(Err(refusal(error, child).map_err(PassError::Write)?)),
        }
    }
    Ok(Ok(generation))
}

/// One server-side apply: what others have set beside it stays. An object that is not the stream's own is left alone.
async fn write(
    client: &Client,
    stream: &StreamSnapshot,
    child: &ChildObject,
) -> Result<Result<DynamicObject, Refusal>, kube::Error> {
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &stream.namespace, &child.resource);
    let found = api.get_metadata_opt(child.name()).await?;
    let found = found.map(|found| found.metadata);
    if let Some(refusal) = found
        .as_ref()
        .and_then(|meta| obstacle(meta, stream, child))
    {
        return Ok(Err(refusal));
    }
    let mut object = child.object.clone();
    if let Some(meta) = &found {
        // Another one that has taken its place since is left alone, too.
        object["metadata"]["uid"] = json!(meta.uid);
    }
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        // What was seen to be the stream's own is the operator's to set.
        force: found.is_some(),
        field_validation: Some(ValidationDirective::Strict),
        ..PatchParams::default()
    };
    api.patch(child.name(), &params, &Patch::Apply(object))
        .await
        .map(Ok)
}

/// What is in the way where the child is to be.
fn obstacle(found: &ObjectMeta, stream: &StreamSnapshot, child: &ChildObject) -> Option<Refusal> {
    let (kind, name) = (&child.resource.kind, child.name());
    let mut owners = found.owner_references.iter().flatten();
    let own = owners.any(|owner| owner.uid == stream.uid && owner.controller == Some(true));
    let leaving = found.deletion_timestamp.is_some();
    if own && !leaving {
        return None;
    }
    let message = if leaving {
        format!("a {kind} {name} is still being deleted")
    } else {
        name_conflict(kind, name, "stream")
    };
    Some(Refusal {
        invalid: !leaving,
        reason: "NameConflict".to_owned(),
        message,
    })
}

/// What the API server says of a field that does not exist in what is applied; with code 500, as if it were its own fault.
const UNKNOWN_FIELD: &str = "failed to create typed patch object";

/// A refusal to write something, which the stream's status tells. An error where the server was only busy.
fn refusal(error: kube::Error, child: &ChildObject) -> Result<Refusal, kube::Error> {
    let kind = &child.resource.kind;
    let templated = (kind == "Deployment").then_some("InvalidPodTemplate");
    let error = match error {
        kube::Error::Api(mut status) if status.message.starts_with(UNKNOWN_FIELD) => {
            status.code = 400;
            kube::Error::Api(status)
        }
        error => error,
    };
    let mut refusal = refusal_of(error, templated)?;
    refusal.message = format!("{kind} {}: {}", child.name(), refusal.message);
    Ok(refusal)
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;
    use crate::stream::build::children;
    use crate::stream::testing::{ingest, snapshot};

    #[test]
    fn a_template_that_is_wrong_is_told_from_a_server_that_is_busy() {
        let children = children(&ingest(), &snapshot(), 1);
        let (map, deployment) = (children.first().unwrap(), children.last().unwrap());
        let told = |child: &ChildObject, code: u16, message: &str| {
            let status = Status {
                code,
                message: message.to_owned(),
                ..Status::default()
            };
            let refusal = refusal(kube::Error::Api(Box::new(status)), child);
            refusal
                .ok()
                .map(|refusal| (refusal.invalid, refusal.reason))
        };
        // As version 1.35 answers to a misspelt field.
        let misspelt = "failed to create typed patch object (plant/pumps-ingest; apps/v1, Kind=Deployment): .spec.template.spec.nodeSelecter: \
                        field not declared in schema";
        let invalid = Some((true, "InvalidPodTemplate".to_owned()));
        assert_eq!(told(deployment, 500, misspelt), invalid);
        assert_eq!(told(deployment, 422, "spec.template: bad"), invalid);
        assert_eq!(told(deployment, 500, "etcdserver: leader changed"), None);
        let refused = Some((false, "CreateRefused".to_owned()));
        assert_eq!(told(map, 403, "exceeded quota"), refused);
    }
}
