use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

use crate::{Cluster, ClusterError, Scope};

/// Somebody who asks, as the API server knows people.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Person {
    /// The user.
    pub user: String,
    /// The groups.
    pub groups: Vec<String>,
}

impl Cluster {
    /// Whether somebody else may do this there.
    ///
    /// # Errors
    ///
    /// What can happen to a request: asking about others is a right of its own.
    pub async fn person_may(
        &self,
        person: &Person,
        scope: &Scope,
        verb: &str,
        group: &str,
        resource: &str,
    ) -> Result<bool, ClusterError> {
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(person.user.clone()),
                groups: Some(person.groups.clone()),
                resource_attributes: Some(ResourceAttributes {
                    namespace: scope.namespace().map(str::to_owned),
                    verb: Some(verb.to_owned()),
                    group: Some(group.to_owned()),
                    resource: Some(resource.to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let api: Api<SubjectAccessReview> = Api::all(self.client().clone());
        let params = PostParams::default();
        let asked = api.create(&params, &review);
        let answer = self.within(asked, "subjectaccessreviews", false).await?;
        // A denial goes before what allows it.
        Ok(answer
            .status
            .is_some_and(|status| status.allowed && status.denied != Some(true)))
    }
}
