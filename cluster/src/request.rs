use std::future::Future;

use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{ListParams, PostParams};
use kube::client::Body;
use kube::core::{ObjectList, Request};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

use crate::error::unreadable;
use crate::{Cluster, ClusterError};

/// Objects a page.
const PAGE: u32 = 500;
/// Pages of one list, at most: what comes after them is left out, and said to be.
const PAGES: u32 = 50;
/// Times that a list is begun again because it became too old between two pages.
const AGAIN: u32 = 3;

/// What is read of the objects of a kind.
pub trait Seen: DeserializeOwned + Clone {
    /// The kind.
    type Kind: Resource<DynamicType = ()>;
}

/// Kinds that are read as they are.
macro_rules! seen {
    ($($kind:ty,)*) => {
        $(impl Seen for $kind {
            type Kind = Self;
        })*
    };
}

seen! {
    k8s_openapi::api::apps::v1::Deployment,
    k8s_openapi::api::batch::v1::Job,
    k8s_openapi::api::coordination::v1::Lease,
    k8s_openapi::api::core::v1::ConfigMap,
    k8s_openapi::api::core::v1::Event,
    k8s_openapi::api::core::v1::Namespace,
    k8s_openapi::api::core::v1::Node,
    k8s_openapi::api::core::v1::ResourceQuota,
    k8s_openapi::api::core::v1::ServiceAccount,
    k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
}

/// Which namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One.
    Namespace(String),
    /// All, or objects that are in none.
    All,
}

impl Scope {
    /// The namespace, if it is one.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Namespace(name) => Some(name),
            Self::All => None,
        }
    }

    /// The same in words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Namespace(name) => format!("in namespace {name}"),
            Self::All => "in any namespace".to_owned(),
        }
    }
}

/// Which objects of a kind.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    /// Labels, as `kubectl get -l` takes them.
    pub labels: String,
    /// Fields, as `kubectl get --field-selector` takes them.
    pub fields: String,
}

impl Selector {
    /// Objects with this label.
    pub fn label(name: &str, value: &str) -> Self {
        Self {
            labels: format!("{name}={value}"),
            ..Self::default()
        }
    }

    /// Objects with this field.
    pub fn field(name: &str, value: &str) -> Self {
        Self {
            fields: format!("{name}={value}"),
            ..Self::default()
        }
    }

    /// The parameters of a list of these objects, so many a page.
    pub(crate) fn params(&self, page: u32) -> ListParams {
        let mut params = ListParams::default().limit(page);
        if !self.labels.is_empty() {
            params = params.labels(&self.labels);
        }
        if !self.fields.is_empty() {
            params = params.fields(&self.fields);
        }
        params
    }
}

/// Objects of a kind.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// The objects.
    pub items: Vec<T>,
    /// Whether there are more, which were not read.
    pub more: bool,
}

impl Cluster {
    /// One object.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NotFound`] and what else can happen to a request.
    pub async fn get<T: Seen>(&self, scope: &Scope, name: &str) -> Result<T, ClusterError> {
        let what = format!("{}/{name}", T::Kind::plural(&()));
        let request = Request::new(T::Kind::url_path(&(), scope.namespace()))
            .get(name, &kube::api::GetParams::default())
            .map_err(unreadable)?;
        self.within(self.client.request(request), &what, true).await
    }

    /// The objects of a kind, 25,000 at most.
    ///
    /// # Errors
    ///
    /// What can happen to a request.
    pub async fn list<T: Seen>(
        &self,
        scope: &Scope,
        selector: &Selector,
    ) -> Result<Listing<T>, ClusterError> {
        let mut begun = 1;
        loop {
            match self.pages(scope, selector).await {
                Err(ClusterError::Refused { code: 410, .. }) if begun < AGAIN => begun += 1,
                answer => return answer,
            }
        }
    }

    async fn pages<T: Seen>(
        &self,
        scope: &Scope,
        selector: &Selector,
    ) -> Result<Listing<T>, ClusterError> {
        let what = T::Kind::plural(&()).into_owned();
        let mut params = selector.params(PAGE);
        let mut items = Vec::new();
        for _ in 0..PAGES {
            let request = Request::new(T::Kind::url_path(&(), scope.namespace()))
                .list(&params)
                .map_err(unreadable)?;
            let asked = self.client.request::<ObjectList<T>>(request);
            let page = self.within(asked, &what, false).await?;
            items.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params.continue_token = Some(token),
                None => return Ok(Listing { items, more: false }),
            }
        }
        Ok(Listing { items, more: true })
    }

    /// The API server's version, such as `v1.33.0`.
    ///
    /// # Errors
    ///
    /// What can happen to a request.
    pub async fn version(&self) -> Result<String, ClusterError> {
        let asked = self.client.apiserver_version();
        Ok(self.within(asked, "version", false).await?.git_version)
    }

    /// The API server's clock by its answer, and this machine's at that time; none where the answer has no date.
    ///
    /// # Errors
    ///
    /// What can happen to a request.
    pub async fn clock(&self) -> Result<Option<(Timestamp, Timestamp)>, ClusterError> {
        let request = http::Request::get("/version")
            .body(Body::empty())
            .map_err(unreadable)?;
        let answer = self
            .within(self.client.send(request), "version", false)
            .await?;
        let date = answer.headers().get(http::header::DATE);
        let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date.to_str().ok()?).ok());
        Ok(date.map(|date| (date.timestamp(), Timestamp::now())))
    }

    /// Whether the person may do this there; `resource` may name a subresource: `pods/log`.
    ///
    /// # Errors
    ///
    /// What can happen to a request.
    pub async fn may(
        &self,
        scope: &Scope,
        verb: &str,
        group: &str,
        resource: &str,
    ) -> Result<bool, ClusterError> {
        let (resource, subresource) = match resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (resource, None),
        };
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    namespace: scope.namespace().map(str::to_owned),
                    verb: Some(verb.to_owned()),
                    group: Some(group.to_owned()),
                    resource: Some(resource.to_owned()),
                    subresource,
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let params = PostParams::default();
        let asked = api.create(&params, &review);
        let answer = self
            .within(asked, "selfsubjectaccessreviews", false)
            .await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    /// The answer to a request about `what`, in time.
    pub(crate) async fn within<T>(
        &self,
        asked: impl Future<Output = Result<T, kube::Error>>,
        what: &str,
        named: bool,
    ) -> Result<T, ClusterError> {
        match tokio::time::timeout(self.timeout, asked).await {
            Ok(answer) => answer.map_err(|error| ClusterError::of(&error, what, named)),
            Err(_) => Err(ClusterError::TimedOut(self.timeout.as_secs())),
        }
    }
}
