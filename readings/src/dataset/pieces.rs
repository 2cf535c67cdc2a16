use bytes::Bytes;
use fleetscore_crds::{Failure, FailureReason};
use fleetscore_storage::{ObjectInfo, ObjectUrl, Storage, StorageError};
use futures::TryStreamExt;

use super::folder::{Contents, has_below, no_object, some_of};

/// The object at a location that does not end in `/`, and its first bytes, at most `limit`. Of a file all bytes or none, where it has
/// more.
///
/// # Errors
///
/// There is no such object, or it is a folder; or storage refuses or fails.
pub async fn begin(
    storage: &Storage,
    location: &ObjectUrl,
    limit: u64,
) -> Result<(ObjectInfo, Bytes), Failure> {
    let begun = match storage.begin(location, limit).await {
        // Some stores know of a folder as an object without bytes.
        Ok((object, first)) if object.size > 0 => return Ok((object, first)),
        Ok(begun) => Ok(begun),
        Err(error) if error.is_not_found() => Err(error.to_string()),
        Err(error) => return Err(missing(&error)),
    };
    let below = has_below(storage, location).await;
    match begun {
        Ok(begun) if !below => Ok(begun),
        Ok(_) => Err(String::new()),
        Err(message) => Err(message),
    }
    .map_err(|message| no_object(&location.to_string(), below, message))
}

/// The readings in the folder `location` and below, in the order of their paths.
///
/// # Errors
///
/// None of the objects holds readings, or they are those of a table; or storage refuses or fails.
pub async fn list(storage: &Storage, location: &ObjectUrl) -> Result<Vec<ObjectInfo>, Failure> {
    let objects = storage.list(location).try_collect::<Vec<_>>();
    let objects = objects.await.map_err(|error| missing(&error))?;
    let objects = objects
        .into_iter()
        .map(|object| (object.url.to_string(), object.size, object));
    let Contents { data, left_out } = Contents::of(&location.to_string(), objects)?;
    if !left_out.is_empty() {
        let names = some_of(&left_out);
        tracing::info!(%location, count = left_out.len(), names, "not read: the names are not those of readings");
    }
    Ok(data)
}

/// The failure to find readings that an error of storage comes to.
pub fn missing(error: &StorageError) -> Failure {
    error.failure(FailureReason::ReadingsNotFound)
}
