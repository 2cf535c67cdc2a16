use askama::Template;
use axum::http::StatusCode;
use serde::Serialize;

use super::layout::banner;
use super::{Part, Tab, health, live, overview, run, schedule, sensor};
use crate::history::Series;
use crate::sight::Sight;
use crate::views::{
    Health, LiveRun, LiveSchedule, Nodes, Overview, RunTab, RunView, Runs, Schedule, SensorView,
    SeriesName, VERSION,
};

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// There is nothing at this address.
    #[error("{0}")]
    NotFound(String),
    /// The cluster does not answer.
    #[error("the cluster cannot be asked: {0}")]
    Away(String),
    /// It cannot be rendered.
    #[error("the page cannot be made: {0}")]
    Render(#[from] askama::Error),
    /// Its numbers cannot be written.
    #[error("the numbers cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

impl PageError {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Away(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Render(_) | Self::Json(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A page: what it is called, where it is, and what it shows.
pub struct Page {
    /// Its title.
    pub title: String,
    /// The tab that it belongs to.
    pub tab: Tab,
    /// The way to it: names and addresses, the last without one.
    pub crumbs: Vec<(String, String)>,
    content: Content,
}

enum Content {
    Overview(Box<Overview>),
    Runs(Box<Runs>),
    Run(Option<Box<RunView>>, Option<Box<LiveRun>>, RunTab),
    Schedule(Option<Box<Schedule>>, Option<Box<LiveSchedule>>),
    Nodes(Box<Nodes>),
    Sensor(Box<SensorView>),
    Health(Box<Health>),
    Problem(String),
}

fn crumbs_of(series: &SeriesName, last: Option<&str>) -> Vec<(String, String)> {
    let mut crumbs = vec![("Overview".to_owned(), "/".to_owned())];
    if !series.place().is_empty() {
        crumbs.push((series.place(), "/".into()));
    }
    match last {
        Some(last) => {
            crumbs.push((series.name.clone(), series.link.clone()));
            crumbs.push((last.to_owned(), String::new()));
        }
        None => crumbs.push((series.name.clone(), String::new())),
    }
    crumbs
}

impl Page {
    fn new(title: String, tab: Tab, crumbs: Vec<(String, String)>, content: Content) -> Self {
        Self {
            title,
            tab,
            crumbs,
            content,
        }
    }

    /// The first page.
    pub fn overview(view: Overview) -> Self {
        Self::new(
            "Overview".into(),
            Tab::Overview,
            Vec::new(),
            Content::Overview(Box::new(view)),
        )
    }

    /// The list of runs.
    pub fn runs(view: Runs) -> Self {
        let content = Content::Runs(Box::new(view));
        Self::new("Runs".into(), Tab::Runs, Vec::new(), content)
    }

    /// The nodes.
    pub fn nodes(view: Nodes) -> Self {
        let content = Content::Nodes(Box::new(view));
        Self::new("Nodes".into(), Tab::Nodes, Vec::new(), content)
    }

    /// A run: its record, and what the cluster says of it.
    pub fn run(view: Option<RunView>, live: Option<LiveRun>, tab: RunTab) -> Self {
        let (series, name, end) = match (&view, &live) {
            (Some(view), _) => (
                Some(view.series.clone()),
                view.run.title(),
                view.run.ended(),
            ),
            (None, Some(live)) => (live.series(), live.line.title.clone(), live.line.phase),
            (None, None) => (None, String::new(), ""),
        };
        let crumbs = series.map_or_else(Vec::new, |series| crumbs_of(&series, Some(&name)));
        let title = format!("{name}: {end}");
        let content = Content::Run(view.map(Box::new), live.map(Box::new), tab);
        Self::new(title, Tab::Runs, crumbs, content)
    }

    /// A schedule: its runs' records, and what the cluster says of it.
    pub fn schedule(series: &Series, view: Option<Schedule>, live: Option<LiveSchedule>) -> Self {
        let name = SeriesName::new(series);
        let crumbs = crumbs_of(&name, None);
        let content = Content::Schedule(view.map(Box::new), live.map(Box::new));
        Self::new(name.name, Tab::Other, crumbs, content)
    }

    /// A sensor.
    pub fn sensor(view: SensorView) -> Self {
        let crumbs = crumbs_of(&view.series, Some(&view.title()));
        let title = format!("{} of {}", view.title(), view.series.name);
        Self::new(title, Tab::Other, crumbs, Content::Sensor(Box::new(view)))
    }

    /// The health of a schedule's models.
    pub fn health(view: Health) -> Self {
        let crumbs = crumbs_of(&view.series, Some("Health"));
        let title = format!("Health of {}", view.series.name);
        Self::new(title, Tab::Other, crumbs, Content::Health(Box::new(view)))
    }

    /// That there is no such page.
    pub fn problem(title: &str, text: String) -> Self {
        Self::new(title.into(), Tab::Other, Vec::new(), Content::Problem(text))
    }

    /// The numbers of the page as JSON.
    pub fn json(&self) -> Result<Vec<u8>, PageError> {
        let json = match &self.content {
            Content::Overview(view) => serde_json::to_vec_pretty(view),
            Content::Runs(view) => serde_json::to_vec_pretty(view),
            Content::Run(view, live, _) => {
                let cluster = live.as_ref().map(|live| &live.view);
                serde_json::to_vec_pretty(&Both::new(view.as_ref(), cluster))
            }
            Content::Schedule(view, live) => {
                let cluster = live.as_ref().map(|live| &live.view);
                serde_json::to_vec_pretty(&Both::new(view.as_ref(), cluster))
            }
            Content::Nodes(view) => serde_json::to_vec_pretty(view),
            Content::Sensor(view) => serde_json::to_vec_pretty(view),
            Content::Health(view) => serde_json::to_vec_pretty(view),
            Content::Problem(text) => {
                serde_json::to_vec_pretty(&serde_json::json!({ "error": text }))
            }
        };
        Ok(json?)
    }

    /// The parts of the page: first what is wrong with all pages.
    pub fn parts(&self, sight: &Sight) -> Result<Vec<Part>, askama::Error> {
        let text = match &self.content {
            Content::Overview(view) => overview::overview(view)?,
            Content::Runs(view) => RunsPage { view }.render()?,
            Content::Run(view, live, tab) => run::run(view.as_deref(), live.as_deref(), *tab)?,
            Content::Schedule(view, live) => {
                let view = view.as_ref().map(|view| schedule::schedule(view));
                let is_alone = view.is_none();
                let live = live.as_ref();
                let live = live.map(|view| live::schedule(view, is_alone));
                let (view, live) = (
                    view.transpose()?.unwrap_or_default(),
                    live.transpose()?.unwrap_or_default(),
                );
                // What goes on stands below the name and the numbers, before what has been.
                match view.find(PAST) {
                    Some(place) => {
                        let (head, past) = view.split_at(place);
                        format!("{head}{live}{past}")
                    }
                    None => live,
                }
            }
            Content::Nodes(view) => live::nodes(view)?,
            Content::Sensor(view) => sensor::sensor(view)?,
            Content::Health(view) => health::health(view)?,
            Content::Problem(text) => ProblemPage {
                title: &self.title,
                text,
            }
            .render()?,
        };
        let mut parts = vec![banner(sight)?];
        parts.extend(Part::split(&text));
        Ok(parts)
    }
}

/// Where the past of a schedule begins on its page.
const PAST: &str = "<!--part:trend-->";

/// The numbers of a page of which one half is a record, and the other what the cluster says.
#[derive(Serialize)]
struct Both<'a, V, C> {
    /// A record has it, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(flatten)]
    view: Option<&'a V>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a C>,
}

impl<'a, V, C> Both<'a, V, C> {
    fn new(view: Option<&'a V>, cluster: Option<&'a C>) -> Self {
        Self {
            version: view.is_none().then_some(VERSION),
            view,
            cluster,
        }
    }
}

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage<'a> {
    view: &'a Runs,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    title: &'a str,
    text: &'a str,
}
