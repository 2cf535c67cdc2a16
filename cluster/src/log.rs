use futures::{AsyncBufRead, AsyncReadExt as _};
use k8s_openapi::api::core::v1::Pod as CorePod;
use kube::Api;
use kube::api::LogParams;

use fleetscore_crds::contract::run_pod::CONTAINER;

use crate::{Cluster, ClusterError};

/// Bytes of one log that are read at most. A step's log ends there by itself.
const LOG_BYTES: i64 = 8 << 20;

impl Cluster {
    /// The log of a run's pod: its last `tail` lines, or all of it, 8 MiB at most.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NotFound`] where the pod is gone, [`ClusterError::Refused`] where its container has not begun.
    pub async fn log(
        &self,
        namespace: &str,
        pod: &str,
        tail: Option<u32>,
    ) -> Result<String, ClusterError> {
        let what = format!("pods/{pod}");
        let params = LogParams {
            limit_bytes: Some(LOG_BYTES),
            ..params(tail)
        };
        let api: Api<CorePod> = Api::namespaced(self.client.clone(), namespace);
        let reading = async {
            let stream = api.log_stream(pod, &params).await?;
            let mut bytes = Vec::new();
            let limit = LOG_BYTES.unsigned_abs() + 4096;
            let read = stream.take(limit).read_to_end(&mut bytes).await;
            read.map_err(kube::Error::ReadEvents)?;
            Ok(bytes)
        };
        let bytes = self.within(reading, &what, true).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The log of a run's pod as it grows, from its last `tail` lines or its begin on, until its container has ended.
    ///
    /// # Errors
    ///
    /// As of [`Cluster::log`].
    pub async fn follow(
        &self,
        namespace: &str,
        pod: &str,
        tail: Option<u32>,
    ) -> Result<impl AsyncBufRead + Send + Unpin + use<>, ClusterError> {
        let what = format!("pods/{pod}");
        let params = LogParams {
            follow: true,
            ..params(tail)
        };
        let api: Api<CorePod> = Api::namespaced(self.client.clone(), namespace);
        let stream = self
            .within(api.log_stream(pod, &params), &what, true)
            .await?;
        Ok(Box::pin(stream))
    }
}

fn params(tail: Option<u32>) -> LogParams {
    LogParams {
        container: Some(CONTAINER.to_owned()),
        tail_lines: tail.map(i64::from),
        ..LogParams::default()
    }
}
