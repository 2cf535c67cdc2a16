use fleetscore_crds::{ReadingStream, ScoringRun, ScoringSchedule};
use futures::{AsyncRead, AsyncReadExt as _};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Resource;
use kube::api::{ListParams, LogParams, Patch, PatchParams, PostParams};
use kube::core::{ObjectList, Request};
use serde::Deserialize;
use serde_json::Value;

use crate::error::unreadable;
use crate::request::Seen;
use crate::{Cluster, ClusterError, Scope, Selector};

/// Who is said to have written what these commands write.
pub const MANAGER: &str = "kubectl-fleetscore";

/// Objects of a first page.
const FIRST: u32 = 500;
/// Lines of a log's end.
const LOG_LINES: i64 = 20_000;
/// Bytes of it.
const LOG_BYTES: usize = 4 << 20;

/// An object with all its fields, also those that this program does not know.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Raw<K> {
    /// The object.
    pub value: Value,
    #[serde(skip)]
    kind: std::marker::PhantomData<K>,
}

impl Seen for Raw<ScoringRun> {
    type Kind = ScoringRun;
}

impl Seen for Raw<ScoringSchedule> {
    type Kind = ScoringSchedule;
}

impl Seen for Raw<Pod> {
    type Kind = Pod;
}

impl Seen for Raw<Job> {
    type Kind = Job;
}

impl Seen for Raw<Event> {
    type Kind = Event;
}

impl Seen for Raw<ReadingStream> {
    type Kind = ReadingStream;
}

impl ClusterError {
    /// Whether an object of this name is there already, or was changed meanwhile.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { code: 409, .. })
    }

    /// Whether the same request may be answered in a while.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TimedOut(_) => true,
            Self::Refused { code, .. } => *code == 429 || *code >= 500,
            _ => false,
        }
    }
}

impl Cluster {
    /// Creates an object; with `dry`, the API server only says what would become of it.
    ///
    /// # Errors
    ///
    /// [`ClusterError::is_conflict`] where the name is taken, and what else can happen to a request.
    pub async fn create<K>(
        &self,
        namespace: &str,
        object: &Value,
        dry: bool,
    ) -> Result<Value, ClusterError>
    where
        Raw<K>: Seen,
    {
        let params = PostParams {
            dry_run: dry,
            field_manager: Some(MANAGER.to_owned()),
        };
        let path = <Raw<K> as Seen>::Kind::url_path(&(), Some(namespace));
        let what = <Raw<K> as Seen>::Kind::plural(&());
        let bytes = serde_json::to_vec(object).map_err(unreadable)?;
        let request = Request::new(path)
            .create(&params, bytes)
            .map_err(unreadable)?;
        self.within(self.client.request(request), &what, false)
            .await
    }

    /// Merges `patch` into an object. A `metadata.resourceVersion` in it is the one that the object must have.
    ///
    /// # Errors
    ///
    /// [`ClusterError::is_conflict`] where the object is another by now, and what else can happen to a request.
    pub async fn merge<K>(
        &self,
        namespace: &str,
        name: &str,
        patch: &Value,
    ) -> Result<Value, ClusterError>
    where
        Raw<K>: Seen,
    {
        let params = PatchParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let path = <Raw<K> as Seen>::Kind::url_path(&(), Some(namespace));
        let what = format!("{}/{name}", <Raw<K> as Seen>::Kind::plural(&()));
        let request = Request::new(path)
            .patch(name, &params, &Patch::Merge(patch))
            .map_err(unreadable)?;
        self.within(self.client.request(request), &what, true).await
    }

    /// An object with all its fields.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NotFound`] and what else can happen to a request.
    pub async fn raw<K>(&self, namespace: &str, name: &str) -> Result<Value, ClusterError>
    where
        Raw<K>: Seen,
    {
        let scope = Scope::Namespace(namespace.to_owned());
        let found: Raw<K> = self.get(&scope, name).await?;
        Ok(found.value)
    }
}

impl Cluster {
    /// The first objects of a kind, 500 at most, with all their fields; and whether there are more.
    ///
    /// # Errors
    ///
    /// What can happen to a request.
    pub async fn first<K>(
        &self,
        scope: &Scope,
        selector: &Selector,
    ) -> Result<(Vec<Value>, bool), ClusterError>
    where
        Raw<K>: Seen,
    {
        let params = selector.params(FIRST);
        let path = <Raw<K> as Seen>::Kind::url_path(&(), scope.namespace());
        let what = <Raw<K> as Seen>::Kind::plural(&());
        let request = Request::new(path).list(&params).map_err(unreadable)?;
        let asked = self.client.request::<ObjectList<Raw<K>>>(request);
        let page = self.within(asked, &what, false).await?;
        let more = page
            .metadata
            .continue_
            .is_some_and(|token| !token.is_empty());
        Ok((
            page.items.into_iter().map(|item| item.value).collect(),
            more,
        ))
    }

    /// The first objects, 500 at most, of a kind that others define: `group` with its version, and the kind's plural.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NoSuchKind`] where the cluster does not have it, and what else can happen to a request.
    pub async fn foreign(
        &self,
        group: &str,
        plural: &str,
        scope: &Scope,
    ) -> Result<Vec<Value>, ClusterError> {
        let namespace = scope.namespace();
        let namespace = namespace.map_or_else(String::new, |name| format!("/namespaces/{name}"));
        let path = format!("/apis/{group}{namespace}/{plural}");
        let params = ListParams::default().limit(FIRST);
        let request = Request::new(path).list(&params).map_err(unreadable)?;
        let asked = self.client.request::<Value>(request);
        let mut page = self.within(asked, plural, false).await?;
        match page["items"].take() {
            Value::Array(items) => Ok(items),
            _ => Ok(Vec::new()),
        }
    }

    /// The end of a pod's log, in whole lines: 20,000 of them and 4 MiB at most.
    ///
    /// # Errors
    ///
    /// What can happen to a request.
    pub async fn log_end(&self, namespace: &str, pod: &str) -> Result<String, ClusterError> {
        // A limit of bytes would leave out the newest ones: a kubelet counts it from the first of these lines.
        let params = LogParams {
            tail_lines: Some(LOG_LINES),
            ..LogParams::default()
        };
        let path = Pod::url_path(&(), Some(namespace));
        let request = Request::new(path).logs(pod, &params).map_err(unreadable)?;
        let what = format!("pods/{pod}/log");
        let reading = async {
            let stream = self.client.request_stream(request).await?;
            end(stream).await.map_err(kube::Error::ReadEvents)
        };
        let bytes = self.within(reading, &what, true).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The last bytes of a text, from the begin of a line on.
async fn end(mut text: impl AsyncRead + Unpin) -> std::io::Result<Vec<u8>> {
    let (mut kept, mut piece) = (Vec::new(), vec![0; 1 << 16]);
    let mut is_cut = false;
    loop {
        let read = text.read(&mut piece).await?;
        kept.extend_from_slice(piece.get(..read).unwrap_or_default());
        let surplus = kept.len().saturating_sub(LOG_BYTES);
        // Seldom, so that the rest is not moved for each piece.
        if surplus > LOG_BYTES || (read == 0 && surplus > 0) {
            kept.drain(..surplus);
            is_cut = true;
        }
        if read == 0 {
            break;
        }
    }
    if is_cut {
        let line = kept.iter().position(|byte| *byte == b'\n');
        kept.drain(..line.map_or(0, |end| end + 1));
    }
    Ok(kept)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_a_text_is_its_newest_lines() {
        let line = |number: usize| format!("{number:>63}\n");
        let short: String = (0..3).map(line).collect();
        assert_eq!(end(short.as_bytes()).await.unwrap(), short.as_bytes());
        // Ten MiB and some.
        let lines = 170_000;
        let long: String = (0..lines).map(line).collect();
        let found = end(long.as_bytes()).await.unwrap();
        assert!(long.as_bytes().ends_with(&found));
        assert!(found.len() <= LOG_BYTES && found.len() > LOG_BYTES - 200);
        assert!(found.starts_with(line(lines - found.len() / 64).as_bytes()));
        assert_eq!(end(&b""[..]).await.unwrap(), b"");
    }
}
