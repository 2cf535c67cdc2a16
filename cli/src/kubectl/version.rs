//! `version`.

use clap::Args;
use fleetscore_cluster::{Cluster, Scope, Selector};
use fleetscore_crds::{GROUP, RELEASE, RELEASE_ANNOTATION};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use schemars::JsonSchema;
use serde::Serialize;

use super::exit;
use super::format::FormatArgs;
use super::login::LoginArgs;
use super::screen::Page;
use super::table::Table;
use crate::commands::{Result, block_on};

/// Show the versions of this program, of the cluster, and of Fleetscore's definitions there
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore version
  kubectl fleetscore version --client -o json

The release of the operator is told by kubectl fleetscore doctor.

Exit codes: 0 shown; 5 the cluster cannot be asked.")]
pub struct VersionArgs {
    /// Show that of this program alone; the cluster is not asked
    #[arg(long)]
    client: bool,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Versions of both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionView {
    /// Version of this form: 1.
    pub version: u32,
    /// This program.
    pub client: String,
    /// The API server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The release of Fleetscore's custom resource definitions there; none where they may not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definitions: Option<String>,
}

/// Runs the command.
pub fn run(args: &VersionArgs) -> Result {
    block_on(async {
        let mut view = VersionView {
            version: fleetscore_cluster::view::VERSION,
            client: RELEASE.to_owned(),
            server: None,
            definitions: None,
        };
        if !args.client {
            let (cluster, _) = args.login.connect().await?;
            view.server = Some(cluster.version().await.map_err(exit::cluster)?);
            view.definitions = definitions(&cluster).await;
        }
        args.format.print(&view, |_| Vec::new(), draw)?;
        Ok(0)
    })?
}

/// The release of the definitions, which `view` may not read.
async fn definitions(cluster: &Cluster) -> Option<String> {
    let all = Selector::default();
    let found = cluster
        .list::<CustomResourceDefinition>(&Scope::All, &all)
        .await;
    let found = found.ok()?.items;
    let mut ours = found.into_iter().filter(|found| found.spec.group == GROUP);
    ours.find_map(|found| found.metadata.annotations?.get(RELEASE_ANNOTATION).cloned())
}

fn draw(view: &VersionView, page: &mut Page) {
    let mut table = Table::new().column("PART", 0).column("VERSION", 0);
    table.row(["fleetscore".into(), view.client.as_str().into()]);
    if let Some(server) = &view.server {
        table.row(["Kubernetes".into(), server.as_str().into()]);
        let unknown = "unknown: none are there, or you may not list customresourcedefinitions";
        let definitions = view.definitions.as_deref().unwrap_or(unknown);
        table.row(["definitions".into(), definitions.into()]);
    }
    page.table(&table);
}
