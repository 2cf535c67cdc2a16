//! `top`.

use clap::Args;
use fleetscore_cluster::view::{self, NodeLine, NodesView, PendingGroup};
use fleetscore_cluster::{Cluster, ClusterError, Listing, Pod, Scope, Selector};
use fleetscore_crds::contract::run_pod::RUN_LABEL;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;

use super::exit;
use super::format::FormatArgs;
use super::login::LoginArgs;
use super::screen::{Cell, Page, Tone};
use super::table::Table;
use super::words::{NONE, age, or_dash};
use crate::commands::{Result, block_on, output};

/// Show the nodes, what runs on them, and which pods wait for one
///
/// Nodes are read where your rights allow it; else they are known by the pods on them. A
/// node's runs are those of all namespaces, where you may see them: only then it can be told
/// which nodes are idle. Pods that wait are those of the namespace.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore top -n plant-a
  kubectl fleetscore top -A --selector kubernetes.azure.com/agentpool=scoring

Exit codes: 0 shown; 5 cannot tell.")]
pub struct TopArgs {
    /// Only nodes with these labels, as kubectl get -l takes them
    #[arg(short = 'l', long, value_name = "LABELS")]
    selector: Option<String>,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the command.
pub fn run(args: &TopArgs) -> Result {
    block_on(async {
        let (cluster, scope) = args.login.connect().await?;
        let nodes = Selector {
            labels: args.selector.clone().unwrap_or_default(),
            ..Selector::default()
        };
        let pods = Selector {
            labels: RUN_LABEL.to_owned(),
            ..Selector::default()
        };
        let (nodes, pods) = tokio::join!(
            cluster.list::<Node>(&Scope::All, &nodes),
            read(&cluster, &scope, &pods),
        );
        let (pods, everywhere) = pods.map_err(exit::cluster)?;
        let nodes = match nodes {
            Ok(nodes) => Some(nodes.items),
            Err(error) if error.is_forbidden() => {
                output::note(
                    "note: you may not read nodes; those without pods of runs are not shown",
                );
                None
            }
            Err(error) => return Err(exit::cluster(error)),
        };
        let now = Timestamp::now();
        let mut view = view::nodes(nodes.as_deref(), &pods.items, everywhere, pods.more);
        let here =
            |group: &PendingGroup| scope.namespace().is_none_or(|name| name == group.namespace);
        view.pending.retain(here);
        if args.selector.is_some() {
            view.nodes.retain(|line| line.ready.is_some());
        }
        let names = |view: &NodesView| {
            let nodes = view.nodes.iter();
            nodes.map(|line| format!("node/{}", line.name)).collect()
        };
        args.format
            .print(&view, names, |view, page| draw(view, now, page))?;
        Ok(0)
    })?
}

/// The pods of all namespaces, else those of `scope`; and which of the two they are.
async fn read(
    cluster: &Cluster,
    scope: &Scope,
    pods: &Selector,
) -> std::result::Result<(Listing<Pod>, bool), ClusterError> {
    match cluster.list::<Pod>(&Scope::All, pods).await {
        Err(error) if error.is_forbidden() && *scope != Scope::All => {
            output::note(
                "note: you may not read the pods of all namespaces; which nodes are idle is not told",
            );
            Ok((cluster.list(scope, pods).await?, false))
        }
        pods => Ok((pods?, true)),
    }
}

pub fn draw(view: &NodesView, now: Timestamp, page: &mut Page) {
    if view.nodes.is_empty() {
        page.line(["No nodes with pods of runs.".into()]);
    } else {
        let mut table = Table::new()
            .column("NODE", 0)
            .column("POOL", 3)
            .column("KIND", 4)
            .column("READY", 2)
            .column("AGE", 3)
            .column("CPU ASKED", 1)
            .column("IDLE", 2)
            .column("RUNS (PODS)", 0);
        for line in &view.nodes {
            table.row(row(line, now));
        }
        page.table(&table);
    }
    if !view.pending.is_empty() {
        page.gap();
        let mut table = Table::new()
            .column("WAITING", 0)
            .column("PODS", 0)
            .column("FOR", 1)
            .column("REASON", 1)
            .column("MESSAGE", 0);
        for group in &view.pending {
            table.row([
                format!("{}/{}", group.namespace, group.run).into(),
                group.count.to_string().into(),
                or_dash(group.since.map(|since| age(since, now))).into(),
                Cell::new(&group.reason, Tone::Warn),
                group.message.as_str().into(),
            ]);
        }
        page.table(&table);
    }
    if view.more {
        page.line([Cell::new("There are more pods than were read.", Tone::Warn)]);
    }
}

fn row(line: &NodeLine, now: Timestamp) -> Vec<Cell> {
    let cpu = match line.cpu {
        Some(cpu) if cpu > 0 => format!(
            "{}/{} ({}%)",
            cores(line.asked),
            cores(cpu),
            line.asked * 100 / cpu
        ),
        _ => cores(line.asked),
    };
    let runs = line.runs.iter();
    let runs: Vec<_> = runs.map(|(run, pods)| format!("{run} ({pods})")).collect();
    let ready = match line.ready {
        None => Cell::from(NONE),
        Some(true) => Cell::new("yes", Tone::Good),
        Some(false) => Cell::new("no", Tone::Bad),
    };
    let kind = match line.ready {
        None => NONE,
        Some(_) if line.spot => "spot",
        Some(_) => "regular",
    };
    vec![
        line.name.as_str().into(),
        or_dash(line.pool.as_deref()).into(),
        kind.into(),
        ready,
        or_dash(line.created.map(|created| age(created, now))).into(),
        cpu.into(),
        or_dash(line.idle_since.map(|since| age(since, now))).into(),
        if runs.is_empty() {
            NONE.to_owned()
        } else {
            runs.join(", ")
        }
        .into(),
    ]
}

/// Thousandths of a core in cores.
fn cores(thousandths: u64) -> String {
    let (whole, rest) = (thousandths / 1000, thousandths % 1000 / 10);
    if rest == 0 {
        whole.to_string()
    } else {
        format!("{whole}.{rest:02}")
    }
}
