use askama::Template;

use crate::charts::Timeline;
use crate::views::{LiveRun, RunTab, RunView, StepRow};

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage<'a> {
    record: Option<&'a RunView>,
    live: Option<&'a LiveRun>,
    tab: RunTab,
    tabs: Vec<RunTab>,
    steps: Vec<StepRow>,
    timeline: String,
}

/// The parts of a run's page: of its record, and of what the cluster says.
pub fn run(
    record: Option<&RunView>,
    live: Option<&LiveRun>,
    tab: RunTab,
) -> Result<String, askama::Error> {
    let steps = live.map(LiveRun::steps).unwrap_or_default();
    let spans = steps.iter().filter_map(|step| {
        let words = format!("{}: {}, {}", step.name, step.state, step.took);
        Some((step.name.clone(), step.span?, step.mood.class(), words))
    });
    let spans: Vec<_> = spans.collect();
    let timeline = match Timeline::new(&spans) {
        Some(timeline) => timeline.render()?,
        None => String::new(),
    };
    RunPage {
        record,
        live,
        tab,
        tabs: RunTab::of(record.is_some(), live.is_some()),
        steps,
        timeline,
    }
    .render()
}
