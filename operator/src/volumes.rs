//! File servers that pods mount.

use fleetscore_crds::{StorageSpec, Volume};
use serde_json::{Value, json};

/// Adds the volumes of `storage` to a pod's spec, and mounts them in its container.
pub fn mount(storage: &StorageSpec, spec: &mut Value, container: &mut Value) {
    if storage.volumes.is_empty() {
        return;
    }
    append(spec, "volumes", storage.volumes.iter().map(volume));
    let mounts = storage.volumes.iter().map(|volume| {
        json!({"name": name(volume), "mountPath": volume.mount_path, "readOnly": volume.read_only})
    });
    append(container, "volumeMounts", mounts);
}

/// Appends `items` to a list of `object`.
pub fn append(object: &mut Value, field: &str, items: impl Iterator<Item = Value>) {
    let mut list = object[field].as_array().cloned().unwrap_or_default();
    list.extend(items);
    object[field] = Value::Array(list);
}

/// The volume's name in the pod, where others may have the one of the spec.
fn name(volume: &Volume) -> String {
    format!("storage-{}", volume.name)
}

fn volume(volume: &Volume) -> Value {
    let mut object = json!({"name": name(volume)});
    if let Some(claim) = &volume.claim {
        object["persistentVolumeClaim"] = json!({"claimName": claim, "readOnly": volume.read_only});
    }
    if let Some(nfs) = &volume.nfs {
        object["nfs"] =
            json!({"server": nfs.server, "path": nfs.path, "readOnly": volume.read_only});
    }
    if let Some(csi) = &volume.csi {
        object["csi"] = json!({
            "driver": csi.driver,
            "readOnly": volume.read_only,
            "volumeAttributes": csi.volume_attributes,
        });
        if let Some(secret) = &csi.secret_ref {
            object["csi"]["nodePublishSecretRef"] = json!({"name": secret.name});
        }
    }
    object
}
