use askama::Template;
use fleetscore_scorer::drawing::format;

use crate::charts::{Mark, Trend, TrendMark};
use crate::views::{SensorRun, SensorView};

#[derive(Template)]
#[template(path = "sensor.html")]
struct SensorPage<'a> {
    view: &'a SensorView,
    shares: String,
    scores: String,
    rows: String,
}

/// The parts of a sensor's page.
pub fn sensor(view: &SensorView) -> Result<String, askama::Error> {
    let draw = |id,
                title: &str,
                height,
                mark: &dyn Fn(&SensorRun) -> Option<(Mark, String)>,
                show: fn(f64) -> String| {
        let marks: Vec<TrendMark> = (view.runs.iter())
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
