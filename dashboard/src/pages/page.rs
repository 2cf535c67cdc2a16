use askama::Template;
use axum::http::StatusCode;
use fleetscore_scorer::drawing::format;
use serde::Serialize;

use super::layout::banner;
use super::{Part, Tab, live};
use crate::charts::{Mark, Spark, Trend};
use crate::history::Series;
use crate::sight::Sight;
use crate::views::{
    Health, LiveRun, LiveSchedule, Nodes, Overview, RunView, Runs, Schedule, SensorRun, SensorView,
    SeriesLine, SeriesName, VERSION,
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
    Run(Option<Box<RunView>>, Option<Box<LiveRun>>),
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
    pub fn run(view: Option<RunView>, live: Option<LiveRun>) -> Self {
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
        let content = Content::Run(view.map(Box::new), live.map(Box::new));
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
            Content::Run(view, live) => {
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
            Content::Overview(view) => overview(view)?,
            Content::Runs(view) => RunsPage { view }.render()?,
            Content::Run(view, live) => {
                let view = view.as_ref().map(|view| RunPage { view }.render());
                let is_alone = view.is_none();
                let live = live.as_ref().map(|live| live::run(live, is_alone));
                view.transpose()?.unwrap_or_default() + &live.transpose()?.unwrap_or_default()
            }
            Content::Schedule(view, live) => {
                let view = view.as_ref().map(|view| schedule(view));
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
            Content::Sensor(view) => sensor(view)?,
            Content::Health(view) => health(view)?,
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
#[template(path = "overview.html")]
struct OverviewPage<'a> {
    view: &'a Overview,
    lines: Vec<(&'a SeriesLine, String, String)>,
}

fn overview(view: &Overview) -> Result<String, askama::Error> {
    let spark = |values: &[Option<f64>]| {
        Spark::new(values).map_or(Ok(String::new()), |spark| spark.render())
    };
    let lines = view.series.iter();
    let lines = lines.map(|line| Ok((line, spark(&line.shares())?, spark(&line.durations())?)));
    OverviewPage {
        view,
        lines: lines.collect::<Result<_, askama::Error>>()?,
    }
    .render()
}

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage<'a> {
    view: &'a Runs,
}

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage<'a> {
    view: &'a RunView,
}

#[derive(Template)]
#[template(path = "schedule.html")]
struct SchedulePage<'a> {
    view: &'a Schedule,
    shares: String,
    durations: String,
    /// For each run of the grid what is written above it (nothing above most), the address of its page, and the time.
    columns: Vec<(String, String, String)>,
}

/// A mark, the time below it, and the words that it is told by.
type Told = (Mark, String, String);

fn schedule(view: &Schedule) -> Result<String, askama::Error> {
    let oldest_first = || view.runs.iter().rev();
    let marks: Vec<Told> = oldest_first()
        .map(|run| {
            let mark = if run.letter() == "F" {
                Mark::Cross
            } else {
                run.share.map_or(Mark::Gap, Mark::Bar)
            };
            let title = format!(
                "{}: {}, {} anomalies",
                run.started(),
                run.ended(),
                run.share_text()
            );
            (mark, time_of(run), title)
        })
        .collect();
    let durations: Vec<Told> = oldest_first()
        .map(|run| {
            (
                Mark::Bar(run.seconds),
                time_of(run),
                format!("{}: {}", run.started(), run.took()),
            )
        })
        .collect();
    let shares = Trend::new(
        "shares",
        format!("Share of anomalies in {} runs", marks.len()),
        120,
        &marks,
        format::percent,
    );
    let durations = Trend::new(
        "durations",
        format!("Duration of {} runs", durations.len()),
        120,
        &durations,
        format::duration,
    );
    let count = view.grid.runs.len();
    let columns = view.grid.runs.iter().enumerate().map(|(position, run)| {
        // From the newest to the left every sixth has its time.
        let is_told = (count - 1 - position).is_multiple_of(6);
        let label = if is_told { time_of(run) } else { String::new() };
        (label, run.link.clone(), time_of(run))
    });
    SchedulePage {
        view,
        shares: shares.render()?,
        durations: durations.render()?,
        columns: columns.collect(),
    }
    .render()
}

fn time_of(run: &crate::views::RunLine) -> String {
    let time = run.window.map_or(run.start_time, |window| window.end);
    time.strftime("%-d %b %H:%M").to_string()
}

#[derive(Template)]
#[template(path = "sensor.html")]
struct SensorPage<'a> {
    view: &'a SensorView,
    shares: String,
    scores: String,
    rows: String,
}

fn sensor(view: &SensorView) -> Result<String, askama::Error> {
    let draw = |id,
                title: &str,
                height,
                mark: &dyn Fn(&SensorRun) -> Option<(Mark, String)>,
                show: fn(f64) -> String| {
        let marks: Vec<Told> = (view.runs.iter())
            .map(|run| {
                let time = run.at.strftime("%-d %b %H:%M").to_string();
                let (mark, words) = if run.is_failed() {
                    (Mark::Cross, run.state_text())
                } else {
                    mark(run).unwrap_or((Mark::Gap, String::new()))
                };
                let title = format!("{}: {words}", run.time());
                (mark, time, title)
            })
            .collect();
        Trend::new(
            id,
            format!("{title} in {} runs", marks.len()),
            height,
            &marks,
            show,
        )
        .render()
    };
    let share = |run: &SensorRun| Some((Mark::Bar(run.share?), run.share_text()));
    let score = |run: &SensorRun| {
        let score = run.score?;
        let [low, mean, high] = run.scores();
        Some((
            Mark::Band(score.min, score.mean, score.max),
            format!("{low} to {high}, mean {mean}"),
        ))
    };
    let rows = |run: &SensorRun| {
        run.state
            .map(|_| (Mark::Bar(run.rows as f64), run.rows_text()))
    };
    SensorPage {
        view,
        shares: draw("shares", "Share of anomalies", 120, &share, format::percent)?,
        scores: draw(
            "scores",
            "Lowest, mean and highest score",
            150,
            &score,
            format::number,
        )?,
        rows: draw("rows", "Readings", 70, &rows, whole)?,
    }
    .render()
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates"
)]
fn whole(value: f64) -> String {
    format::count(value.round() as u64)
}

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage<'a> {
    view: &'a Health,
    p50: String,
    p90: String,
    p99: String,
}

fn health(view: &Health) -> Result<String, askama::Error> {
    let draw = |id, title: &str, position: usize| {
        let marks: Vec<Told> = (view.runs.iter())
            .map(|run| {
                let shares = run
                    .shares
                    .map(|shares| [shares.p50, shares.p90, shares.p99]);
                let share = shares.and_then(|shares| shares.get(position).copied());
                let words = crate::views::share(share);
                (
                    share.map_or(Mark::Gap, Mark::Bar),
                    run.time(),
                    format!("{}: {words}", run.time()),
                )
            })
            .collect();
        Trend::new(
            id,
            format!("{title} in {} runs", marks.len()),
            110,
            &marks,
            format::percent,
        )
        .render()
    };
    HealthPage {
        view,
        p50: draw("p50", "Median of the sensors' shares", 0)?,
        p90: draw("p90", "Share that 90 of 100 sensors do not exceed", 1)?,
        p99: draw("p99", "Share that 99 of 100 sensors do not exceed", 2)?,
    }
    .render()
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    title: &'a str,
    text: &'a str,
}
