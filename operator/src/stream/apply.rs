//! Writes the stream's children. Pods, partitions and their owners are not its matter.

use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::core::{ObjectMeta, Status};
use serde_json::json;

use super::build::Child;
use super::seen::Hindrance;
use super::subject::Subject;
use crate::api::{FIELD_MANAGER, Verdict, status_of, verdict};

/// Writes the children of a stream in order, up to the first refusal; gives the generation of the last one, the Deployment.
///
/// # Errors
///
/// What the API server answers, where it is only busy.
pub async fn apply(
    client: &Client,
    stream: &Subject,
    children: &[Child],
) -> Result<Result<i64, Hindrance>, kube::Error> {
    let mut generation = 0;
    for child in children {
        match write(client, stream, child).await {
            Ok(Ok(written)) => generation = written.metadata.generation.unwrap_or(0),
            Ok(Err(hindrance)) => return Ok(Err(hindrance)),
            Err(error) => {
                let refusal = status_of(&error).and_then(|status| refusal(status, child));
                return refusal.map(Err).ok_or(error);
            }
        }
    }
    Ok(Ok(generation))
}

/// One server-side apply: what others have set beside it stays. An object that is not the stream's own is left alone.
async fn write(
    client: &Client,
    stream: &Subject,
    child: &Child,
) -> Result<Result<DynamicObject, Hindrance>, kube::Error> {
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &stream.namespace, &child.resource);
    let found = api.get_metadata_opt(child.name()).await?;
    let found = found.map(|found| found.metadata);
    if let Some(hindrance) = found
        .as_ref()
        .and_then(|meta| obstacle(meta, stream, child))
    {
        return Ok(Err(hindrance));
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
fn obstacle(found: &ObjectMeta, stream: &Subject, child: &Child) -> Option<Hindrance> {
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
        format!(
            "a {kind} {name} exists that does not belong to this stream; remove it, or name the stream otherwise"
        )
    };
    Some(Hindrance {
        lasts: !leaving,
        reason: "NameConflict".to_owned(),
        message,
    })
}

/// A refusal to write something, which the stream's status tells. None where the server was only busy, or someone came in between.
fn refusal(status: &Status, child: &Child) -> Option<Hindrance> {
    if status.code == 409 {
        return None;
    }
    let templated = child.resource.kind == "Deployment";
    let (lasts, reason) = match verdict(status) {
        Verdict::Busy => return None,
        Verdict::Invalid if templated => (true, "InvalidPodTemplate".to_owned()),
        Verdict::Invalid => (true, status.reason.clone()),
        Verdict::Refused(reason) => (false, reason),
    };
    Some(Hindrance {
        lasts,
        reason,
        message: format!(
            "{} {}: {}",
            child.resource.kind,
            child.name(),
            status.message
        ),
    })
}
