use fleetscore_cluster::Run;
use fleetscore_cluster::view::{self, PodGroup, PodState, RunView, StepLine, TreeView};
use fleetscore_crds::{JobState, Step};
use fleetscore_scorer::drawing::format;
use fleetscore_scorer::report::advice;
use jiff::Timestamp;

use super::now::mood_of_run;
use super::{LiveLine, Told, took};
use crate::history::Series;
use crate::views::{Mood, SeriesName, Shards};

/// Pods of a group that are shown.
const PODS: usize = 10;

/// A run in a cluster.
#[derive(Clone, Debug)]
pub struct LiveRun {
    /// The numbers, as `kubectl fleetscore status run/NAME -o json` has them.
    pub view: RunView,
    /// It in one line.
    pub line: LiveLine,
    /// Its Jobs and pods, as `kubectl fleetscore tree NAME -o json` has them; or why they cannot be told.
    pub tree: Result<TreeView, String>,
    /// What needs a person.
    pub told: Vec<Told>,
    /// A log or the manifest, where it is asked for.
    pub text: Option<Text>,
    /// A page of its shards, where it is asked for.
    pub shards: Option<Shards>,
    /// Whether logs of pods may be shown.
    pub logs: bool,
    /// The moment.
    pub now: Timestamp,
}

/// A text that is shown as it is.
#[derive(Clone, Debug)]
pub struct Text {
    /// What it is.
    pub title: String,
    /// The text, or why it cannot be told.
    pub text: Result<String, String>,
}

/// Pods in the same state.
#[derive(Clone, Debug)]
pub struct PodsLine {
    /// The state.
    pub state: &'static str,
    /// Its mood.
    pub mood: Mood,
    /// How many.
    pub count: String,
    /// Nodes with the number of pods there.
    pub nodes: String,
    /// Name, shard, node, why, for the first of them.
    pub pods: Vec<[String; 4]>,
    /// How many more there are.
    pub more: u64,
}

/// One step in words.
#[derive(Clone, Debug)]
pub struct StepRow {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: String,
    /// The mood of that.
    pub mood: Mood,
    /// When it began and ended, for the drawing.
    pub span: Option<(Timestamp, Timestamp)>,
    /// When it began.
    pub began: String,
    /// How long it took.
    pub took: String,
    /// How far it is.
    pub progress: String,
    /// Why it failed.
    pub message: String,
    /// Its pods.
    pub pods: Vec<PodsLine>,
}

impl LiveRun {
    /// The view of a run.
    pub fn new(
        run: &Run,
        tree: Result<TreeView, String>,
        text: Option<Text>,
        logs: bool,
        now: Timestamp,
    ) -> Self {
        let view = view::run(run, now);
        Self {
            line: LiveLine::new(&view.run),
            told: (view.notices.iter())
                .map(|notice| Told::new(notice, mood_of_run(&view.run)))
                .collect(),
            view,
            tree,
            text,
            shards: None,
            logs,
            now,
        }
    }

    /// The view with a page of the shards.
    #[must_use]
    pub fn with_shards(self, shards: Option<Shards>) -> Self {
        Self { shards, ..self }
    }

    /// Its schedule; none where no schedule made it.
    pub fn series(&self) -> Option<SeriesName> {
        let run = &self.view.run;
        let series = Series {
            namespace: run.namespace.clone(),
            name: run.schedule.clone()?,
        };
        Some(SeriesName::new(&series))
    }

    /// The steps: with Jobs and pods where these can be read.
    pub fn steps(&self) -> Vec<StepRow> {
        let mut rows: Vec<_> = match &self.tree {
            Ok(tree) => (tree.jobs.iter())
                .map(|branch| {
                    let mut row = self.step(&branch.step);
                    if let (Some(ended), Some(total)) = (branch.ended, branch.total)
                        && total > 1
                    {
                        row.progress = format!(
                            "{ended} of {} ended",
                            format::counted(total.into(), "shard")
                        );
                    }
                    row.message = format::shortened(branch.message.as_deref().unwrap_or(""), 300);
                    row.pods = branch.pods.iter().map(pods).collect();
                    row
                })
                .collect(),
            Err(_) => self.view.steps.iter().map(|step| self.step(step)).collect(),
        };
        if let Some(wait) = self.wait(&rows) {
            rows.insert(1, wait);
        }
        rows
    }

    fn step(&self, step: &StepLine) -> StepRow {
        let (state, mood) = match step.state {
            None if step.job.is_some() => ("gone".to_owned(), Mood::Plain),
            None => ("not yet".to_owned(), Mood::Plain),
            Some(JobState::Succeeded) => ("Succeeded".to_owned(), Mood::Good),
            Some(JobState::Failed) => ("Failed".to_owned(), Mood::Bad),
            Some(JobState::Waiting) => ("Waiting".to_owned(), Mood::Fair),
            Some(state) => (format!("{state:?}"), Mood::Plain),
        };
        StepRow {
            name: match step.step {
                Step::Plan => "Plan".into(),
                Step::Score => "Score".into(),
                Step::Collect => "Collect".into(),
            },
            state,
            mood,
            span: step
                .started
                .map(|start| (start, step.ended.unwrap_or(self.now))),
            began: step.started.map_or_else(|| "–".into(), clock),
            took: took(step.seconds),
            progress: String::new(),
            message: String::new(),
            pods: Vec::new(),
        }
    }

    /// The time between the plan's end and the first pod that scored: what nodes took to come.
    fn wait(&self, rows: &[StepRow]) -> Option<StepRow> {
        let [plan, score, ..] = rows else { return None };
        let (_, planned) = plan.span.filter(|_| plan.state == "Succeeded")?;
        let is_waiting = score.span.is_none() && !self.view.run.has_ended();
        let until = score.span.map_or(self.now, |(start, _)| start);
        let seconds = until.duration_since(planned).as_secs();
        if seconds < 5 || !(is_waiting || score.span.is_some()) {
            return None;
        }
        Some(StepRow {
            name: "Wait for nodes".into(),
            state: if is_waiting {
                "Waiting".into()
            } else {
                "Over".into()
            },
            mood: if is_waiting { Mood::Fair } else { Mood::Plain },
            span: Some((planned, until)),
            began: clock(planned),
            took: took(u64::try_from(seconds).ok()),
            progress: String::new(),
            message: String::new(),
            pods: Vec::new(),
        })
    }

    /// Why sensors failed so far: reason, title, action, number, example.
    pub fn failures(&self) -> Vec<[String; 5]> {
        let groups = self.view.failures.iter();
        groups
            .map(|group| {
                let reason = serde_json::from_value(group.reason.clone().into()).ok();
                let advice = reason.map(advice::failure);
                [
                    format::shortened(&group.reason, 60),
                    advice.map_or("", |advice| advice.title).to_owned(),
                    advice.map_or("", |advice| advice.action).to_owned(),
                    format::count(group.count),
                    format::shortened(&group.example, 200),
                ]
            })
            .collect()
    }

    /// Commands to copy.
    pub fn commands(&self) -> Vec<String> {
        let run = &self.view.run;
        let about =
            |verb: &str| super::command(&format!("{verb} run/{} -n {}", run.name, run.namespace));
        let mut commands = vec![about("logs")];
        if run.has_ended() {
            if run.sensors.is_some_and(|sensors| sensors.failed > 0) {
                commands.push(about("retry"));
            }
            commands.push(about("report"));
        } else {
            commands.push(about("wait"));
            commands.push(about("suspend"));
        }
        commands
    }

    /// Whether there are more pods than were read.
    pub fn more(&self) -> bool {
        self.tree.as_ref().is_ok_and(|tree| tree.more)
    }
}

fn clock(time: Timestamp) -> String {
    time.strftime("%H:%M:%S").to_string()
}

fn pods(group: &PodGroup) -> PodsLine {
    let (state, mood) = match group.state {
        PodState::Running => ("running", Mood::Plain),
        PodState::Failed => ("failed", Mood::Bad),
        PodState::Pending => ("pending", Mood::Fair),
        PodState::Ending => ("ending", Mood::Plain),
        PodState::Succeeded => ("succeeded", Mood::Good),
        PodState::Retried => ("failed, tried again", Mood::Plain),
        PodState::Unknown => ("unknown", Mood::Fair),
    };
    let mut nodes: Vec<(&str, u64)> = Vec::new();
    for node in group.pods.iter().filter_map(|pod| pod.node.as_deref()) {
        match nodes.iter_mut().find(|(name, _)| *name == node) {
            Some((_, count)) => *count += 1,
            None => nodes.push((node, 1)),
        }
    }
    nodes.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let told = nodes
        .iter()
        .take(3)
        .map(|(name, count)| format!("{} ({count})", format::shortened(name, 60)));
    let told: Vec<_> = told.collect();
    let more = match nodes.len().saturating_sub(3) {
        0 => String::new(),
        more => format!(" and {}", format::counted(more as u64, "more node")),
    };
    let lines = group.pods.iter().take(PODS).map(|pod| {
        let why = [pod.reason.as_deref(), pod.message.as_deref()];
        let why: Vec<_> = why.into_iter().flatten().collect();
        [
            pod.name.clone(),
            pod.shard
                .map_or_else(String::new, |shard| format!("shard {shard}")),
            format::shortened(pod.node.as_deref().unwrap_or_default(), 60),
            format::shortened(&why.join(": "), 300),
        ]
    });
    PodsLine {
        state,
        mood,
        count: format::count(group.count),
        nodes: told.join(", ") + &more,
        pods: lines.collect(),
        more: group.count.saturating_sub(PODS as u64),
    }
}
