use askama::Template;
use fleetscore_scorer::drawing::format;

use crate::charts::{Mark, Trend, TrendMark};
use crate::views::{RunLine, Schedule};

#[derive(Template)]
#[template(path = "schedule.html")]
struct SchedulePage<'a> {
    view: &'a Schedule,
    shares: String,
    durations: String,
    /// For each run of the grid what is written above it (nothing above most), the address of its page, and the time.
    columns: Vec<(String, String, String)>,
}

/// The parts of a schedule's page that are about its runs' records.
pub fn schedule(view: &Schedule) -> Result<String, askama::Error> {
    let oldest_first = || view.runs.iter().rev();
    let marks: Vec<TrendMark> = oldest_first()
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
    let durations: Vec<TrendMark> = oldest_first()
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

fn time_of(run: &RunLine) -> String {
    let time = run.window.map_or(run.start_time, |window| window.end);
    time.strftime("%-d %b %H:%M").to_string()
}
