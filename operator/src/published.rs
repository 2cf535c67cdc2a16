//! How far streams have published their readings, for the runs that wait for them.

use fleetscore_crds::ReadingStream;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::Store;

use crate::stored::Stored;

/// The streams that are seen.
#[derive(Clone, Default)]
pub struct Published(Option<Store<Stored<ReadingStream>>>);

/// How far a stream has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The stream's name.
    pub stream: String,
    /// All segments that end then or before are published; none: none is.
    pub through: Option<Timestamp>,
}

impl Published {
    /// What these streams have published.
    pub fn by(streams: Store<Stored<ReadingStream>>) -> Self {
        Self(Some(streams))
    }

    /// How far the stream of this namespace has come that publishes at `location`; none where no such stream is seen.
    pub fn at(&self, namespace: &str, location: &str) -> Option<Progress> {
        let here = |stream: &ReadingStream| {
            stream.namespace().as_deref() == Some(namespace)
                && stream.spec.output.location.trim_end_matches('/')
                    == location.trim_end_matches('/')
        };
        let streams = self.0.as_ref()?;
        let found = streams.find(|stored| stored.0.as_ref().is_ok_and(here))?;
        let stream = found.0.as_ref().ok()?;
        let status = stream.status.as_ref();
        Some(Progress {
            stream: stream.name_any(),
            through: status.and_then(|status| status.complete_through),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::runtime::{reflector, watcher};
    use serde_json::json;

    #[test]
    fn a_stream_is_found_by_where_it_publishes() {
        let (store, mut writer) = reflector::store();
        writer.apply_watcher_event(&watcher::Event::Init);
        for (name, namespace, through) in [
            ("pumps", "plant", json!("2026-01-01T00:00:00Z")),
            ("pumps", "other", json!(null)),
        ] {
            let stream = serde_json::from_value(json!({
                "apiVersion": "scoring.fleetscore.io/v1alpha1",
                "kind": "ReadingStream",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {
                    "source": {"eventHub": {"namespace": "plant", "name": "telemetry"}},
                    "event": {
                        "fields": {"ts": {"type": "Time"}, "device": {}, "v": {"type": "Number"}},
                        "columns": {"time": "ts", "keys": {"device": "device"}, "features": ["v"]},
                    },
                    "output": {"location": "az://readings/pumps/"},
                    "storage": {"azure": {"account": "plantstore"}},
                },
                "status": {"completeThrough": through},
            }));
            let stored = Stored(Ok(stream.unwrap()));
            writer.apply_watcher_event(&watcher::Event::InitApply(stored));
        }
        writer.apply_watcher_event(&watcher::Event::InitDone);
        let published = Published::by(store);
        let found = published.at("plant", "az://readings/pumps").unwrap();
        assert_eq!(found.through, Some("2026-01-01T00:00:00Z".parse().unwrap()));
        let of_other = published.at("other", "az://readings/pumps/").unwrap();
        assert_eq!(of_other.through, None);
        assert_eq!(published.at("plant", "az://readings/fans/"), None);
        assert_eq!(
            Published::default().at("plant", "az://readings/pumps/"),
            None
        );
    }
}
