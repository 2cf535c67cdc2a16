use std::collections::BTreeMap;

use fleetscore_cluster::view;
use fleetscore_scorer::drawing::format;
use jiff::Timestamp;

use super::SeriesLine;
use crate::views::live::ScheduleRow;
use crate::views::shared::ago;
use crate::views::{LiveLine, Mood};

/// A schedule in one line: what the cluster says, and what its runs left.
#[derive(Clone, Debug)]
pub struct OverviewRow {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub place: String,
    /// Address of its page.
    pub link: String,
    /// What the cluster says; none outside a cluster, and of a schedule that is gone.
    pub now: Option<ScheduleRow>,
    /// What its runs left; none where none has left anything.
    pub past: Option<SeriesLine>,
    /// The last run that has ended.
    pub last: Option<LastRun>,
}

/// The last run of a schedule.
#[derive(Clone, Debug)]
pub struct LastRun {
    /// How it ended.
    pub text: &'static str,
    /// The mood of that.
    pub mood: Mood,
    /// When it began.
    pub ago: String,
    /// Address of its page.
    pub link: String,
    /// Its sensors: those scored, and all.
    pub sensors: String,
    /// Failed ones; empty where there are none.
    pub failed: String,
}

/// The rows of `series`, and of the schedules of a cluster, by namespace and name; `most` of them.
pub fn rows(
    series: &[SeriesLine],
    cluster: Option<&view::Overview>,
    now: Timestamp,
    most: usize,
) -> Vec<OverviewRow> {
    let mut found: BTreeMap<(String, String), OverviewRow> = BTreeMap::new();
    for line in series {
        let place = line.series.place();
        let row = OverviewRow {
            name: line.series.name.clone(),
            place: place.clone(),
            link: line.series.link.clone(),
            now: None,
            last: Some(LastRun::of_record(line)),
            past: Some(line.clone()),
        };
        found.insert((place, line.series.link.clone()), row);
    }
    for line in cluster.iter().flat_map(|cluster| &cluster.schedules) {
        let own = ScheduleRow::new(line, now);
        let key = (own.place.clone(), own.link.clone());
        let row = found.entry(key).or_insert_with(|| OverviewRow {
            name: own.name.clone(),
            place: own.place.clone(),
            link: own.link.clone(),
            now: None,
            past: None,
            last: None,
        });
        let recorded = row.past.as_ref().map(|past| past.last.start_time);
        // A run that never reached its last step has left no record.
        if let Some(run) = &line.last_run
            && recorded.is_none_or(|recorded| run.started.is_some_and(|began| began > recorded))
        {
            row.last = Some(LastRun::of_object(run, now));
        }
        row.now = Some(own);
    }
    found.into_values().take(most).collect()
}

impl LastRun {
    fn of_record(line: &SeriesLine) -> Self {
        let run = &line.last;
        Self {
            text: run.ended(),
            mood: run.mood(),
            ago: format!("{} ago", line.ago),
            link: run.link.clone(),
            sensors: run.scored_sensors(),
            failed: failed(run.sensors.failed),
        }
    }

    fn of_object(run: &view::RunLine, now: Timestamp) -> Self {
        let line = LiveLine::new(run);
        let sensors = run.sensors.unwrap_or_default();
        let began = run.started.or(run.created);
        Self {
            text: line.phase,
            mood: line.mood,
            ago: began.map_or_else(String::new, |began| format!("{} ago", ago(now, began))),
            link: line.link,
            sensors: match sensors.total {
                0 => "–".into(),
                total => format!(
                    "{} / {}",
                    format::count(sensors.succeeded),
                    format::count(total)
                ),
            },
            failed: failed(sensors.failed),
        }
    }
}

fn failed(count: u64) -> String {
    match count {
        0 => String::new(),
        count => format!("{} failed", format::count(count)),
    }
}
