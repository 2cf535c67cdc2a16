//! What the pods of a run ask of their nodes.

use fleetscore_cluster::Scope;
use fleetscore_crds::PodTemplate;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Taint};
use serde_json::{Map, Value};

use super::Ask;
use super::check::Findings;

/// A pod template: the chart's, or a run's.
pub type Template = PodTemplate;

/// The operator's pod template of score pods, from its `ConfigMap`; an empty one where that may not be read.
pub async fn of_operator(
    ask: &Ask<'_>,
    deployments: &[Deployment],
    findings: &mut Findings,
) -> Template {
    let Some(deployment) = deployments.first() else {
        return Template::default();
    };
    let name = deployment.metadata.name.as_deref().unwrap_or_default();
    let space = deployment.metadata.namespace.clone().unwrap_or_default();
    let answer = ask
        .cluster
        .get::<ConfigMap>(&Scope::Namespace(space), name)
        .await;
    if answer
        .as_ref()
        .is_err_and(fleetscore_cluster::ClusterError::is_missing)
    {
        return Template::default();
    }
    let found = findings.read("operator", "the operator's configuration", answer);
    let text = found.and_then(|found| found.data?.remove("config.yaml"));
    text.and_then(|text| template(&text)).unwrap_or_default()
}

/// The template in the operator's configuration.
fn template(text: &str) -> Option<Template> {
    let mut config: Value = serde_saphyr::from_str(text).ok()?;
    serde_json::from_value(config["podTemplate"].take()).ok()
}

/// Labels and taints that pods ask for and bear.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Demand {
    selector: Map<String, Value>,
    tolerations: Vec<Value>,
}

impl Demand {
    /// That of the chart's template under a run's.
    pub fn of(defaults: &Template, own: &Template) -> Self {
        let templates = [defaults, own];
        let maps = templates
            .iter()
            .filter_map(|found| found.spec.get("nodeSelector")?.as_object());
        let lists = templates
            .iter()
            .filter_map(|found| found.spec.get("tolerations")?.as_array());
        let mut selector: Map<_, _> = maps
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        selector.retain(|_, value| value.is_string());
        Self {
            selector,
            tolerations: lists.flatten().cloned().collect(),
        }
    }

    /// Whether nodes with these labels and taints would take the pods.
    pub fn fits(&self, label: impl Fn(&str) -> Option<String>, taints: &[Taint]) -> bool {
        let selected = self
            .selector
            .iter()
            .all(|(key, value)| label(key).as_deref() == value.as_str());
        let keeps_off =
            |taint: &&Taint| ["NoSchedule", "NoExecute"].contains(&taint.effect.as_str());
        let borne = |taint: &Taint| self.tolerations.iter().any(|found| tolerates(found, taint));
        selected && taints.iter().filter(keeps_off).all(borne)
    }

    /// Whether a node takes pods, and these.
    pub fn fits_node(&self, node: &Node) -> bool {
        let labels = node.metadata.labels.as_ref();
        let label = |name: &str| labels?.get(name).cloned();
        let spec = node.spec.as_ref();
        let cordoned = spec.is_some_and(|spec| spec.unschedulable == Some(true));
        let conditions = node
            .status
            .as_ref()
            .and_then(|status| status.conditions.as_ref());
        let mut conditions = conditions.into_iter().flatten();
        let ready = conditions.any(|found| found.type_ == "Ready" && found.status == "True");
        let taints = spec
            .and_then(|spec| spec.taints.clone())
            .unwrap_or_default();
        ready && !cordoned && self.fits(label, &taints)
    }

    /// The value of a label that is asked for.
    pub fn wanted(&self, label: &str) -> Option<String> {
        Some(self.selector.get(label)?.as_str()?.to_owned())
    }

    /// The labels in words.
    pub fn words(&self) -> String {
        let labels = self.selector.iter();
        let labels =
            labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
        let labels: Vec<_> = labels.collect();
        if labels.is_empty() {
            "no nodeSelector".to_owned()
        } else {
            format!("nodeSelector {}", labels.join(","))
        }
    }
}

/// Whether a toleration bears a taint, as the scheduler reads them.
fn tolerates(toleration: &Value, taint: &Taint) -> bool {
    let text = |name: &str| toleration[name].as_str().unwrap_or_default();
    let any = text("operator") == "Exists";
    let effect = ["", taint.effect.as_str()].contains(&text("effect"));
    let key = text("key") == taint.key || (any && text("key").is_empty());
    let value = any || text("value") == taint.value.as_deref().unwrap_or_default();
    effect && key && value
}
