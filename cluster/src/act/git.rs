use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Who keeps an object as git has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Git {
    /// `Argo CD` or `Flux`.
    pub tool: String,
    /// Its own object, such as an application; none where it is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keeper: Option<String>,
}

/// Labels and annotations by which a tool marks what it keeps.
const MARKS: [(&str, &str); 6] = [
    ("argocd.argoproj.io/tracking-id", "Argo CD"),
    ("argocd.argoproj.io/instance", "Argo CD"),
    ("argocd.argoproj.io/installation-id", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("helm.toolkit.fluxcd.io/name", "Flux"),
    ("fluxcd.io/sync-checksum", "Flux"),
];
/// Names under which the tools write.
const MANAGERS: [(&str, &str); 4] = [
    ("argocd-controller", "Argo CD"),
    ("argocd-application-controller", "Argo CD"),
    ("kustomize-controller", "Flux"),
    ("helm-controller", "Flux"),
];

/// Who keeps this object as git has it, as its labels, annotations and managers tell; none where nobody seems to.
pub fn git(object: &Value) -> Option<Git> {
    let metadata = &object["metadata"];
    let marks = MARKS.iter().find_map(|(mark, tool)| {
        let value = metadata["labels"][*mark]
            .as_str()
            .or(metadata["annotations"][*mark].as_str())?;
        let keeper = value.split(':').next().filter(|name| !name.is_empty());
        Some((*tool, keeper.map(str::to_owned)))
    });
    let managers = || {
        let fields = metadata["managedFields"].as_array()?;
        let names = fields.iter().filter_map(|field| field["manager"].as_str());
        let tool = |name: &str| MANAGERS.iter().find(|(manager, _)| *manager == name);
        names
            .into_iter()
            .find_map(tool)
            .map(|(_, tool)| (*tool, None))
    };
    let (tool, keeper) = marks.or_else(managers)?;
    Some(Git {
        tool: tool.to_owned(),
        keeper,
    })
}

impl Git {
    /// What happens to `field`, now `value`, and what to do.
    pub fn warning(&self, field: &str, value: &str) -> String {
        let keeper = self
            .keeper
            .as_deref()
            .map(|name| format!(" ({name})"))
            .unwrap_or_default();
        let (parent, last) = field.rsplit_once('.').unwrap_or(("", field));
        format!(
            "{}{keeper} keeps this object as git has it, and may undo this at any time. For it to stay, commit to the manifest:\n  \
             {parent}:\n    {last}: {value}",
            self.tool
        )
    }
}
