//! `cost`.

use clap::Args;
use fleetscore_cluster::view::{self, CostLine, CostView};
use fleetscore_cluster::{Run, Schedule, Scope, Selector, Target};
use jiff::Timestamp;

use super::format::FormatArgs;
use super::login::LoginArgs;
use super::screen::{Cell, Page};
use super::table::Table;
use super::{exit, words};
use crate::commands::{Result, block_on, output};

/// Show what runs took of nodes and what that cost
///
/// By schedule, of the runs that are still there, with what 30 days of such runs would
/// cost. The operator reckons each run's nodes at its end from the times of its Jobs, where
/// the chart's `cost` tells it the size and the price of a node; it is no bill. The time that
/// nodes stay idle after a run is part of it, also where the next run comes sooner and uses
/// them: then the sum is too high by that.
/// `fleetscore plan -f schedule.yaml --price` tells beforehand.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore cost -A
  kubectl fleetscore cost pumps -n plant-a -o json

Exit codes: 0 shown; 4 no such schedule; 5 cannot tell.")]
pub struct CostArgs {
    /// Only this schedule
    #[arg(value_name = "SCHEDULE")]
    target: Option<Target>,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the command.
pub fn run(args: &CostArgs) -> Result {
    block_on(async {
        let (cluster, scope) = args.login.connect().await?;
        let view = if let Some(target) = &args.target {
            let schedule = super::act::schedule(&cluster, &scope, target).await?;
            let place = Scope::Namespace(schedule.namespace().to_owned());
            let runs = cluster.runs_of(&place, schedule.name()).await;
            view::cost(&runs.map_err(exit::cluster)?, [&schedule], Timestamp::now())
        } else {
            let all = Selector::default();
            let (runs, schedules) = tokio::join!(
                cluster.list::<Run>(&scope, &all),
                cluster.list::<Schedule>(&scope, &all)
            );
            let (runs, schedules) = (
                runs.map_err(exit::cluster)?,
                schedules.map_err(exit::cluster)?,
            );
            if runs.more {
                output::note("note: there are more runs than are read here");
            }
            view::cost(&runs.items, &schedules.items, Timestamp::now())
        };
        args.format
            .print(&view, names, |view, page| draw(view, &scope, page))?;
        Ok(0)
    })?
}

fn names(view: &CostView) -> Vec<String> {
    let names = view.lines.iter().filter_map(|line| line.schedule.as_ref());
    names.map(|name| format!("schedule/{name}")).collect()
}

fn draw(view: &CostView, scope: &Scope, page: &mut Page) {
    if view.lines.is_empty() {
        page.line([format!("No run has ended {}.", words::place(scope)).into()]);
        return;
    }
    let mut table = Table::new()
        .column("NAMESPACE", 1)
        .column("SCHEDULE", 0)
        .column("RUNS", 2)
        .column("NODES", 3)
        .column("NODE TIME A RUN", 0)
        .column("COST A RUN", 0)
        .column("COST OF 30 DAYS", 0);
    for line in &view.lines {
        table.row([
            line.namespace.as_str().into(),
            words::or_dash(line.schedule.as_deref()).into(),
            line.runs.to_string().into(),
            line.nodes.to_string().into(),
            words::or_dash((line.runs > 0).then(|| words::duration(line.node_seconds / line.runs)))
                .into(),
            amount(line.amount.map(|amount| amount / line.runs as f64), line).into(),
            amount(line.month_amount, line).into(),
        ]);
    }
    page.table(&table);
    let unknown = view.lines.iter().map(|line| line.unknown).sum();
    if unknown > 0 {
        page.gap();
        let text = format!(
            "Not counted: {} of which it is not known. The operator reckons it where `cost` is set in the chart's values (docs/cluster/sizing.md).",
            words::counted(unknown, "run")
        );
        page.paragraph(&Cell::default(), &text.into());
    }
}

fn amount(amount: Option<f64>, line: &CostLine) -> String {
    let amount = amount.map(|amount| {
        let text = if amount.abs() < 0.1 {
            format!("{amount:.4}")
        } else {
            format!("{amount:.2}")
        };
        let currency = line.currency.as_deref().unwrap_or_default();
        format!("{text} {currency}").trim_end().to_owned()
    });
    words::or_dash(amount)
}
