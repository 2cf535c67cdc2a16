use askama::Template;
use axum::http::StatusCode;
use fleetscore_scorer::drawing::format;

use super::layout::banner;
use super::{Part, Tab};
use crate::charts::{Mark, Spark, Trend};
use crate::history::Index;
use crate::views::{
    Health, Overview, RunView, Runs, Schedule, SensorRun, SensorView, SeriesLine, SeriesName,
};

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// There is nothing at this address.
    #[error("{0}")]
    NotFound(String),
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
    Overview(Overview),
    Runs(Runs),
    Run(Box<RunView>),
    Schedule(Box<Schedule>),
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
            Content::Overview(view),
        )
    }

    /// The list of runs.
    pub fn runs(view: Runs) -> Self {
        Self::new("Runs".into(), Tab::Runs, Vec::new(), Content::Runs(view))
    }

    /// A run.
    pub fn run(view: RunView) -> Self {
        let crumbs = crumbs_of(&view.series, Some(&view.run.title()));
        let title = format!("{}: {}", view.run.title(), view.run.ended());
        Self::new(title, Tab::Runs, crumbs, Content::Run(Box::new(view)))
    }

    /// A schedule.
    pub fn schedule(view: Schedule) -> Self {
        let crumbs = crumbs_of(&view.series, None);
        Self::new(
            view.series.name.clone(),
            Tab::Other,
            crumbs,
            Content::Schedule(Box::new(view)),
        )
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
            Content::Run(view) => serde_json::to_vec_pretty(view),
            Content::Schedule(view) => serde_json::to_vec_pretty(view),
            Content::Sensor(view) => serde_json::to_vec_pretty(view),
            Content::Health(view) => serde_json::to_vec_pretty(view),
            Content::Problem(text) => {
                serde_json::to_vec_pretty(&serde_json::json!({ "error": text }))
            }
        };
        Ok(json?)
    }

    /// The parts of the page: first what is wrong with all pages.
    pub fn parts(&self, index: &Index) -> Result<Vec<Part>, askama::Error> {
        let text = match &self.content {
            Content::Overview(view) => overview(view)?,
            Content::Runs(view) => RunsPage { view }.render()?,
            Content::Run(view) => RunPage { view }.render()?,
            Content::Schedule(view) => schedule(view)?,
            Content::Sensor(view) => sensor(view)?,
            Content::Health(view) => health(view)?,
            Content::Problem(text) => ProblemPage {
                title: &self.title,
                text,
            }
            .render()?,
        };
        let mut parts = vec![banner(index)?];
        parts.extend(Part::split(&text));
        Ok(parts)
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
