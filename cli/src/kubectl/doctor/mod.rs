//! `doctor`.

mod check;
mod cluster;
mod definitions;
mod identity;
mod install;
mod monitors;
mod nodes;
mod objects;
mod operator;
mod probe;
mod queue;
mod quota;
mod rights;
mod schedules;
mod storage;
mod template;
mod values;
mod waiting;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use fleetscore_cluster::{Cluster, Scope};

use super::format::FormatArgs;
use super::login::{LoginArgs, duration};
use super::storage::StorageArgs;
use crate::commands::{FAILED, Result, block_on};

use check::Findings;
pub use check::{DoctorView, State};
use objects::Objects;
use probe::Probe;
use template::Template;

/// How often is looked again with `--wait`.
const AGAIN: Duration = Duration::from_secs(5);

/// Check that runs can work: cluster, operator, rights, identity, nodes, storage, schedules
///
/// Each check that fails or cannot be made comes with what to do. Nothing is changed, and
/// storage is asked with your own login. With --probe a pod asks it, too: made from the
/// template of the newest run's collect job, it has that run's identity, secrets, volumes
/// and network, and is deleted at the end.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore doctor --pre -f values.yaml         before anything is installed
  kubectl fleetscore doctor -n plant-a --wait 2m         after an installation
  kubectl fleetscore doctor -n plant-a --probe read      as the pods reach storage
  kubectl fleetscore doctor -o json | jq '.checks[] | select(.state == \"Fail\")'

Exit codes: 0 no check failed, 1 one did, 5 the cluster cannot be asked, 130 stopped by Ctrl-C.")]
pub struct DoctorArgs {
    /// Look again every 5 seconds until no check fails, for this long at most, such as 2m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    wait: Option<Duration>,
    /// Before anything is installed: check that the chart can be installed, and that what pods will need is there
    #[arg(long, conflicts_with = "probe")]
    pre: bool,
    /// With --pre: the values that the chart will be installed with, for its namespaces, nodes and identity
    #[arg(short = 'f', long, value_name = "FILE", requires = "pre")]
    values: Option<PathBuf>,
    /// Also ask storage from a pod, made as those of the newest run
    #[arg(long, value_enum, value_name = "WHAT")]
    probe: Option<Probe>,
    /// The operator's namespace
    #[arg(long, value_name = "NAME", default_value = "fleetscore-system")]
    operator_namespace: String,
    #[command(flatten)]
    storage: StorageArgs,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Whom the checks ask, and about what.
pub struct Ask<'a> {
    cluster: &'a Cluster,
    scope: &'a Scope,
    operator: Scope,
}

impl Ask<'_> {
    /// The operator's namespace in words.
    fn operator_words(&self) -> String {
        let name = self.operator.namespace().unwrap_or_default();
        format!("in namespace {name}")
    }
}

/// Runs the command.
pub fn run(args: &DoctorArgs) -> Result {
    block_on(async {
        let (cluster, scope) = args.login.connect().await?;
        let ask = Ask {
            cluster: &cluster,
            scope: &scope,
            operator: Scope::Namespace(args.operator_namespace.clone()),
        };
        let values = args.values.as_deref().map(values::read).transpose()?;
        let begun = tokio::time::Instant::now();
        let view = loop {
            let mut findings = Findings::default();
            if args.pre {
                install::check(&ask, &values.clone().unwrap_or_default(), &mut findings).await?;
            } else {
                examine(&ask, args, &mut findings).await?;
            }
            let view = DoctorView {
                version: fleetscore_cluster::view::VERSION,
                namespace: scope.namespace().map(str::to_owned),
                checks: findings.into_checks(),
            };
            let patience = args.wait.unwrap_or_default();
            if !view.has_failed() || begun.elapsed() >= patience {
                break view;
            }
            tokio::time::sleep(AGAIN).await;
        };
        args.format.print(&view, |_| Vec::new(), check::draw)?;
        Ok(if view.has_failed() { FAILED } else { 0 })
    })?
}

/// All checks of what is installed.
async fn examine(ask: &Ask<'_>, args: &DoctorArgs, findings: &mut Findings) -> Result<()> {
    let now = cluster::check(ask, findings).await?;
    let objects = Objects::read(ask, findings).await?;
    let definitions = definitions::read(ask, findings).await;
    definitions::check(&definitions, &objects.absent, findings);
    let deployments = operator::read(ask, findings).await;
    operator::check(ask, deployments.as_deref(), &objects, now, findings).await;
    rights::check(ask, findings).await;
    let operators = deployments.unwrap_or_default();
    let template = template::of_operator(ask, &operators, findings).await;
    identity::check(ask, &objects, &template, now, findings).await;
    nodes::check(ask, &objects, &template, findings).await;
    waiting::check(ask, &objects, now, findings).await;
    quota::check(ask, findings).await;
    queue::check(ask, &objects, &template, findings).await;
    findings.add(storage::check(&objects, &args.storage, args.probe.is_some()).await);
    if let Some(probe) = args.probe {
        findings.add(probe::check(ask, &objects, probe).await?);
    }
    monitors::check(ask, findings).await;
    schedules::check(&objects, now, findings);
    Ok(())
}
