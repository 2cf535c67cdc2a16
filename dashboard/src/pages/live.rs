use askama::Template;

use crate::views::{LiveSchedule, Nodes};

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
