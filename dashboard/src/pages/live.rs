use askama::Template;

use crate::charts::Timeline;
use crate::views::{LiveRun, LiveSchedule, Nodes, StepRow};

#[derive(Template)]
#[template(path = "live_run.html")]
struct LiveRunPage<'a> {
    view: &'a LiveRun,
    steps: Vec<StepRow>,
    timeline: String,
    is_alone: bool,
}

/// The parts of a run's page that tell what the cluster says; alone, where there is no record of the run.
pub fn run(view: &LiveRun, is_alone: bool) -> Result<String, askama::Error> {
    let steps = view.steps();
    let spans = steps.iter().filter_map(|step| {
        let words = format!("{}: {}, {}", step.name, step.state, step.took);
        Some((step.name.clone(), step.span?, step.mood.class(), words))
    });
    let spans: Vec<_> = spans.collect();
    let timeline = match Timeline::new(&spans) {
        Some(timeline) => timeline.render()?,
        None => String::new(),
    };
    LiveRunPage {
        view,
        steps,
        timeline,
        is_alone,
    }
    .render()
}

#[derive(Template)]
#[template(path = "live_schedule.html")]
struct LiveSchedulePage<'a> {
    view: &'a LiveSchedule,
    is_alone: bool,
}

/// The parts of a schedule's page that tell what the cluster says; alone, where no run of it has left a record.
pub fn schedule(view: &LiveSchedule, is_alone: bool) -> Result<String, askama::Error> {
    LiveSchedulePage { view, is_alone }.render()
}

#[derive(Template)]
#[template(path = "nodes.html")]
struct NodesPage<'a> {
    view: &'a Nodes,
}

/// The parts of the page of nodes.
pub fn nodes(view: &Nodes) -> Result<String, askama::Error> {
    NodesPage { view }.render()
}
