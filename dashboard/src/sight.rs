//! Who sees what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleetscore_cluster::{Cluster, ClusterError, Person, Scope};
use tokio::sync::Mutex;

use crate::history::Index;
use crate::live::Snapshot;

/// An answer of the API server is kept so long.
const KEPT: Duration = Duration::from_mins(1);
/// Answers that are kept at most.
const ANSWERS: usize = 10_000;
/// What somebody needs to see a namespace here.
const RIGHT: (&str, &str, &str) = ("list", "scoring.fleetscore.io", "scoringruns");

/// Who sees what.
pub enum Access {
    /// Whoever may ask at all sees all: it is one person, with that person's own rights.
    All,
    /// Each person sees the namespaces whose runs they may list.
    Reviewed(Box<Reviews>),
}

/// What the API server says of people's rights.
pub struct Reviews {
    cluster: Cluster,
    known: Mutex<BTreeMap<(Arc<str>, Option<String>), (bool, Instant)>>,
}

/// What one person sees at one moment.
pub struct Sight {
    /// Runs that have ended.
    pub index: Arc<Index>,
    /// The cluster; none without one.
    pub live: Option<Arc<Snapshot>>,
    /// Namespaces that the person sees; none: all.
    namespaces: Option<BTreeSet<String>>,
}

impl Sight {
    /// Whether the person sees a namespace. What is in none is nobody's in a cluster.
    pub fn sees(&self, namespace: &str) -> bool {
        self.namespaces
            .as_ref()
            .is_none_or(|seen| seen.contains(namespace))
    }

    /// Another number each time that something has changed.
    pub fn version(&self) -> u64 {
        let live = self.live.as_ref().map_or(0, |live| live.version);
        self.index.version.wrapping_add(live)
    }
}

impl Access {
    /// People's rights by `cluster`, which may ask for them.
    pub fn reviewed(cluster: Cluster) -> Self {
        Self::Reviewed(Box::new(Reviews {
            cluster,
            known: Mutex::default(),
        }))
    }

    /// What of `index` and `live` somebody sees.
    ///
    /// # Errors
    ///
    /// The API server does not say what the person may see: then that is nothing.
    pub async fn sight(
        &self,
        person: Option<&Person>,
        index: Arc<Index>,
        live: Option<Arc<Snapshot>>,
    ) -> Result<Sight, ClusterError> {
        let Self::Reviewed(reviews) = self else {
            return Ok(Sight {
                index,
                live,
                namespaces: None,
            });
        };
        let mut all: BTreeSet<String> = (index.runs.iter())
            .map(|run| run.namespace().to_owned())
            .collect();
        if let Some(live) = &live {
            all.extend(live.namespaces().map(str::to_owned));
        }
        all.remove("");
        let Some(person) = person else {
            return Ok(Sight {
                index: Arc::new(index.within(|_| false)),
                live: live.map(|live| Arc::new(live.within(|_| false))),
                namespaces: Some(BTreeSet::new()),
            });
        };
        let Some(namespaces) = reviews.seen(person, all).await? else {
            return Ok(Sight {
                index,
                live,
                namespaces: None,
            });
        };
        let seen = |namespace: &str| namespaces.contains(namespace);
        Ok(Sight {
            index: Arc::new(index.within(seen)),
            live: live.map(|live| Arc::new(live.within(seen))),
            namespaces: Some(namespaces),
        })
    }
}

impl Reviews {
    /// Those of `namespaces` that a person sees; none: all there are.
    async fn seen(
        &self,
        person: &Person,
        namespaces: BTreeSet<String>,
    ) -> Result<Option<BTreeSet<String>>, ClusterError> {
        let name: Arc<str> = Arc::from(format!("{person:?}"));
        if self.may(person, &name, None).await? {
            return Ok(None);
        }
        let mut seen = BTreeSet::new();
        for namespace in namespaces {
            if self.may(person, &name, Some(&namespace)).await? {
                seen.insert(namespace);
            }
        }
        Ok(Some(seen))
    }

    async fn may(
        &self,
        person: &Person,
        name: &Arc<str>,
        namespace: Option<&str>,
    ) -> Result<bool, ClusterError> {
        let place = (Arc::clone(name), namespace.map(str::to_owned));
        if let Some((answer, at)) = self.known.lock().await.get(&place)
            && at.elapsed() < KEPT
        {
            return Ok(*answer);
        }
        let scope = namespace.map_or(Scope::All, |name| Scope::Namespace(name.to_owned()));
        let (verb, group, resource) = RIGHT;
        let asked = self
            .cluster
            .person_may(person, &scope, verb, group, resource);
        let answer = asked.await?;
        let mut known = self.known.lock().await;
        if known.len() >= ANSWERS {
            known.clear();
        }
        known.insert(place, (answer, Instant::now()));
        Ok(answer)
    }
}
