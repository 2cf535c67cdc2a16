use askama::Template;

use crate::charts::Spark;
use crate::views::{Overview, OverviewRow};

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage<'a> {
    view: &'a Overview,
    /// The rows, each with its lines of shares and durations.
    rows: Vec<(&'a OverviewRow, String, String)>,
}

/// The parts of the first page.
pub fn overview(view: &Overview) -> Result<String, askama::Error> {
    let spark = |values: Vec<Option<f64>>| {
        Spark::new(&values).map_or(Ok(String::new()), |spark| spark.render())
    };
    let rows = view.rows.iter().map(|row| {
        let (shares, durations) = match &row.past {
            Some(past) => (spark(past.shares())?, spark(past.durations())?),
            None => Default::default(),
        };
        Ok((row, shares, durations))
    });
    OverviewPage {
        view,
        rows: rows.collect::<Result<_, askama::Error>>()?,
    }
    .render()
}
