use askama::Template;
use fleetscore_scorer::drawing::format;

use crate::charts::{Mark, Trend, TrendMark};
use crate::views::{Health, share};

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage<'a> {
    view: &'a Health,
    p50: String,
    p90: String,
    p99: String,
}

/// The parts of the page about a schedule's models.
pub fn health(view: &Health) -> Result<String, askama::Error> {
    let draw = |id, title: &str, position: usize| {
        let marks: Vec<TrendMark> = (view.runs.iter())
            .map(|run| {
                let shares = run
                    .shares
                    .map(|shares| [shares.p50, shares.p90, shares.p99]);
                let quantile = shares.and_then(|shares| shares.get(position).copied());
                let words = share(quantile);
                (
                    quantile.map_or(Mark::Gap, Mark::Bar),
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
