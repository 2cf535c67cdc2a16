//! `tree`.

use clap::Args;
use fleetscore_cluster::view::{self, JobBranch, PodGroup, PodLine, PodState, TreeView};
use fleetscore_cluster::{Cluster, Pod, Run, Target};
use fleetscore_crds::JobState;
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;

use super::exit;
use super::format::FormatArgs;
use super::login::LoginArgs;
use super::screen::{Cell, Page, Tone};
use super::words::{NONE, counted, duration, phase};
use crate::commands::{Result, block_on};

/// Lines of a group of pods, where not all are asked for.
const LINES: usize = 10;

/// Show a run's Jobs and pods, by state and node
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore tree pumps                      the newest run of a schedule
  kubectl fleetscore tree run/pumps-1764324000 --all

Exit codes: the run 0 is good or has not ended, 1 failed, 3 partially succeeded; 4 no such run;
5 cannot tell.")]
pub struct TreeArgs {
    /// The run, or a schedule, meaning its newest run
    #[arg(value_name = "RUN")]
    target: Target,
    /// All pods of a group, not the first ten lines
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the command.
pub fn run(args: &TreeArgs) -> Result {
    block_on(async {
        let (cluster, scope) = args.login.connect().await?;
        let found = cluster.run(&scope, &args.target).await;
        let run = found.map_err(exit::cluster)?;
        let (jobs, pods, more) = children(&cluster, &run).await?;
        let now = Timestamp::now();
        let tree = view::tree(&run, &jobs, &pods, more, now);
        args.format.print(
            &tree,
            |tree| vec![format!("run/{}", tree.run.name)],
            |tree, page| draw(tree, args.all, page),
        )?;
        Ok(exit::of(tree.run.phase))
    })?
}

/// The Jobs and pods of a run, and whether there are more pods than were read.
pub async fn children(cluster: &Cluster, run: &Run) -> Result<(Vec<Job>, Vec<Pod>, bool)> {
    cluster.children(run).await.map_err(exit::cluster)
}

pub fn draw(tree: &TreeView, all: bool, page: &mut Page) {
    let run = &tree.run;
    let label = format!("run/{}", run.name);
    let names = tree.jobs.iter().map(|branch| title(branch).len() + 3);
    let width = names.chain([label.len()]).max().unwrap_or(0);
    let took = run.seconds.map_or_else(|| NONE.to_owned(), duration);
    let told = phase(run.phase);
    let room = 12_usize.saturating_sub(told.width());
    page.line([
        Cell::new(format!("{label:<width$}"), Tone::Head),
        "  ".into(),
        told,
        format!("{:room$}{took:>7}", "").into(),
    ]);
    if let Some(message) = &run.message {
        page.paragraph(&Cell::from("|  "), &Cell::new(message, Tone::Warn));
    }
    for (number, branch) in tree.jobs.iter().enumerate() {
        let last = number + 1 == tree.jobs.len();
        draw_job(branch, (last, width, all), page);
    }
    if tree.more {
        page.line([Cell::new("There are more pods than were read.", Tone::Warn)]);
    }
}

fn title(branch: &JobBranch) -> String {
    match &branch.step.job {
        Some(name) => format!("job/{name}"),
        None => format!("{:?}", branch.step.step).to_lowercase(),
    }
}

fn draw_job(branch: &JobBranch, (last, width, all): (bool, usize, bool), page: &mut Page) {
    let title = title(branch);
    let (twig, stem) = if last { ("'- ", "   ") } else { ("|- ", "|  ") };
    let width = width.saturating_sub(3);
    let state = match branch.step.state {
        None if branch.step.job.is_some() => Cell::new("gone", Tone::Dim),
        None => Cell::new("not yet", Tone::Dim),
        Some(JobState::Succeeded) => Cell::new("Succeeded", Tone::Good),
        Some(JobState::Failed) => Cell::new("Failed", Tone::Bad),
        Some(state) => Cell::from(format!("{state:?}")),
    };
    let took = branch.step.seconds.map_or_else(String::new, duration);
    let room = 12_usize.saturating_sub(state.width());
    let ended = match (branch.ended, branch.total) {
        (Some(ended), Some(total)) if total > 1 => format!("  {ended} of {total} shards ended"),
        _ => String::new(),
    };
    page.line([
        twig.into(),
        format!("{title:<width$}  ").into(),
        state,
        format!("{:room$}{took:>7}{ended}", "").into(),
    ]);
    if let Some(message) = &branch.message {
        page.paragraph(
            &Cell::from(format!("{stem}|  ")),
            &Cell::new(message, Tone::Bad),
        );
    }
    for (number, group) in branch.pods.iter().enumerate() {
        let last = number + 1 == branch.pods.len();
        draw_group(group, (stem, last, all), page);
    }
}

fn draw_group(group: &PodGroup, (stem, last, all): (&str, bool, bool), page: &mut Page) {
    let (word, tone) = match group.state {
        PodState::Running => ("running", Tone::Plain),
        PodState::Failed => ("failed", Tone::Bad),
        PodState::Pending => ("pending", Tone::Warn),
        PodState::Ending => ("ending", Tone::Plain),
        PodState::Succeeded => ("succeeded", Tone::Good),
        PodState::Retried => ("retried", Tone::Dim),
        PodState::Unknown => ("unknown", Tone::Warn),
    };
    let (twig, below) = if last { ("'- ", "   ") } else { ("|- ", "|  ") };
    let label = format!("{stem}{twig}{word:<9} {:>5}  ", group.count);
    let tells = matches!(
        group.state,
        PodState::Failed | PodState::Pending | PodState::Retried
    );
    let mut lines = if tells {
        reasons(group)
    } else {
        vec![places(group)]
    };
    if all {
        lines = group.pods.iter().map(pod).collect();
    }
    let more = lines.len().saturating_sub(LINES);
    if !all && more > 0 {
        lines.truncate(LINES);
        lines.push(format!("and {more} more: --all shows them"));
    }
    let mut lines = lines.into_iter();
    let first = lines.next().unwrap_or_default();
    page.paragraph(&Cell::new(&label, tone), &first.into());
    let indent = Cell::from(format!(
        "{stem}{below}{:<width$}",
        "",
        width = label.len() - stem.len() - 3
    ));
    for line in lines {
        page.paragraph(&indent, &line.into());
    }
}

/// The nodes of a group's pods, those with most pods first.
fn places(group: &PodGroup) -> String {
    let mut nodes: Vec<(&str, u64)> = Vec::new();
    for pod in &group.pods {
        let node = pod.node.as_deref().unwrap_or("no node");
        match nodes.iter_mut().find(|(name, _)| *name == node) {
            Some((_, count)) => *count += 1,
            None => nodes.push((node, 1)),
        }
    }
    nodes.sort_by(|one, other| (other.1, one.0).cmp(&(one.1, other.0)));
    let more = nodes.len().saturating_sub(LINES);
    let shown = nodes.iter().take(LINES);
    let shown: Vec<_> = shown
        .map(|(node, count)| format!("{node} ({count})"))
        .collect();
    let more = match more {
        0 => String::new(),
        more => format!(", {} more", counted(more as u64, "node")),
    };
    shown.join(", ") + &more
}

/// Why the pods of a group wait or failed, the most frequent reason first; failed shards one by one where they are few.
fn reasons(group: &PodGroup) -> Vec<String> {
    let mut found: Vec<(String, Vec<u32>, u64)> = Vec::new();
    for pod in &group.pods {
        let told = told(pod);
        let place = found.iter().position(|(text, ..)| *text == told);
        let place = place.unwrap_or_else(|| {
            found.push((told, Vec::new(), 0));
            found.len() - 1
        });
        if let Some((_, shards, count)) = found.get_mut(place) {
            shards.extend(pod.shard);
            *count += 1;
        }
    }
    found.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
    let lines = found.into_iter().map(|(text, shards, count)| {
        let few: Vec<_> = shards.iter().take(5).map(u32::to_string).collect();
        let more = if shards.len() > few.len() {
            ", ..."
        } else {
            ""
        };
        match shards.len() {
            0 if count == 1 => text,
            0 => format!("{count} times: {text}"),
            1 => format!("shard {}: {text}", few.concat()),
            number => format!("{number} shards ({}{more}): {text}", few.join(", ")),
        }
    });
    lines.collect()
}

fn told(pod: &PodLine) -> String {
    match (&pod.reason, &pod.message) {
        (Some(reason), Some(message)) => format!("{reason}: {message}"),
        (Some(reason), None) => reason.clone(),
        _ => "no reason is told".to_owned(),
    }
}

fn pod(pod: &PodLine) -> String {
    let node = pod.node.as_deref().unwrap_or("no node");
    let shard = pod
        .shard
        .map_or_else(String::new, |shard| format!("shard {shard}, "));
    let told = match (&pod.reason, &pod.message) {
        (None, _) => String::new(),
        _ => format!(": {}", told(pod)),
    };
    let restarts = match pod.restarts {
        0 => String::new(),
        number => format!(", {}", counted(number.into(), "restart")),
    };
    format!("{} ({shard}{node}{restarts}){told}", pod.name)
}
