use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use futures::{Stream, StreamExt as _};
use k8s_openapi::NamespaceResourceScope;
use kube::core::ObjectMeta;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};

use crate::request::Seen;
use crate::{Cluster, ClusterError, Object, Scope};

/// The API's name of what is seen of it.
type Kind<T> = <T as Seen>::Kind;

impl<S, T> Resource for Object<S, T>
where
    Self: Seen,
{
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        Kind::<Self>::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        Kind::<Self>::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        Kind::<Self>::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        Kind::<Self>::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// The objects of a kind as they were last heard of, by namespace and name.
#[derive(Clone, Debug)]
pub struct Followed<T> {
    objects: BTreeMap<(String, String), T>,
    /// What has come of a list that is not whole yet.
    coming: BTreeMap<(String, String), T>,
    /// Whether all of them have been heard of once.
    pub is_whole: bool,
}

impl<T> Default for Followed<T> {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            coming: BTreeMap::new(),
            is_whole: false,
        }
    }
}

/// What has become of the objects of a kind.
#[derive(Clone, Debug)]
pub struct Change<T>(Event<T>);

impl<S, T> Followed<Object<S, T>> {
    /// The objects, by namespace and name.
    pub fn objects(&self) -> impl Iterator<Item = &Object<S, T>> {
        self.objects.values()
    }

    /// Takes a change in.
    pub fn take(&mut self, change: Change<Object<S, T>>) {
        let place =
            |object: &Object<S, T>| (object.namespace().to_owned(), object.name().to_owned());
        match change.0 {
            Event::Apply(object) => drop(self.objects.insert(place(&object), object)),
            Event::Delete(object) => drop(self.objects.remove(&place(&object))),
            Event::Init => self.coming.clear(),
            Event::InitApply(object) => drop(self.coming.insert(place(&object), object)),
            Event::InitDone => {
                self.objects = std::mem::take(&mut self.coming);
                self.is_whole = true;
            }
        }
    }
}

impl<S, T> Change<Object<S, T>> {
    /// Whether something is another one now: not while a list is still coming.
    pub fn is_seen(&self) -> bool {
        !matches!(self.0, Event::Init | Event::InitApply(_))
    }

    /// The object that the change brings.
    pub fn object_mut(&mut self) -> Option<&mut Object<S, T>> {
        match &mut self.0 {
            Event::Apply(object) | Event::InitApply(object) => Some(object),
            Event::Delete(_) | Event::Init | Event::InitDone => None,
        }
    }
}

impl Cluster {
    /// What becomes of the objects of a kind, from all that there are now. After an error it begins anew by itself, later each time.
    pub fn follow_objects<S, T>(
        &self,
        scope: &Scope,
    ) -> impl Stream<Item = Result<Change<Object<S, T>>, ClusterError>> + Send + use<S, T>
    where
        Object<S, T>: Seen + Debug + Send + 'static,
    {
        let api: Api<Object<S, T>> = match scope.namespace() {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let what = Kind::<Object<S, T>>::plural(&()).into_owned();
        watcher(api, watcher::Config::default())
            .default_backoff()
            .map(move |event| match event {
                Ok(event) => Ok(Change(event)),
                Err(error) => Err(told(&error, &what)),
            })
    }
}

fn told(error: &watcher::Error, what: &str) -> ClusterError {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => ClusterError::of(error, what, false),
        watcher::Error::WatchError(status) => ClusterError::Refused {
            code: status.code,
            message: status.message.clone(),
        },
        watcher::Error::NoResourceVersion => {
            ClusterError::Unreadable(format!("{what}: no resourceVersion"))
        }
    }
}
