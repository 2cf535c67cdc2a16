use fleetscore_cluster::Schedule;
use fleetscore_cluster::view::{self, Notice, ScheduleLine, ScheduleState, ScheduleView, Subject};
use fleetscore_scorer::drawing::format;
use fleetscore_ticks::Timetable;
use jiff::Timestamp;

use super::now::{SINCE, mood_of_run, mood_of_schedule};
use super::{LiveLine, Told, until};
use crate::history::Series;
use crate::links;
use crate::live::Snapshot;
use crate::views::Mood;

/// Ticks that are told ahead.
const AHEAD: usize = 5;
/// Runs that are shown.
const RUNS: usize = 20;

/// A schedule in one line.
#[derive(Clone, Debug)]
pub struct ScheduleRow {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub place: String,
    /// Address of its page.
    pub link: String,
    /// Where it stands.
    pub state: String,
    /// The mood of that.
    pub mood: Mood,
    /// When it ticks.
    pub ticks: String,
    /// When the next tick is.
    pub next: String,
    /// Its last run.
    pub last: Option<LiveLine>,
    /// Ticks that got no run.
    pub missed: String,
    /// Runs that go on.
    pub active: u64,
    /// Why it stands where it stands; empty where all is well.
    pub message: String,
}

impl ScheduleRow {
    /// The row of a schedule.
    pub fn new(line: &ScheduleLine, now: Timestamp) -> Self {
        let mood = match line.state {
            ScheduleState::Active => Mood::Good,
            ScheduleState::Stalled | ScheduleState::Unreadable => Mood::Bad,
            ScheduleState::Suspended | ScheduleState::New => Mood::Plain,
        };
        let ticks = line.schedule.as_deref().unwrap_or("–");
        let zone = line.time_zone.as_deref().filter(|zone| *zone != "UTC");
        let message = line.message.as_deref().filter(|_| mood == Mood::Bad);
        Self {
            name: format::shortened(&line.name, 80),
            place: line.namespace.clone(),
            link: links::schedule(&Series {
                namespace: line.namespace.clone(),
                name: line.name.clone(),
            }),
            state: format!("{:?}", line.state),
            mood,
            ticks: zone.map_or_else(|| ticks.to_owned(), |zone| format!("{ticks} {zone}")),
            next: (line.next.filter(|_| line.state != ScheduleState::Suspended))
                .map_or_else(|| "–".into(), |next| until(next, now)),
            last: line.last_run.as_ref().map(LiveLine::new),
            missed: format::count(line.missed),
            active: line.active,
            message: format::shortened(message.unwrap_or_default(), 300),
        }
    }
}

/// A schedule in a cluster.
#[derive(Clone, Debug)]
pub struct LiveSchedule {
    /// The numbers, as `kubectl fleetscore status schedule/NAME -o json` has them.
    pub view: ScheduleView,
    /// It in one line.
    pub row: ScheduleRow,
    /// The next ticks: the time, and how long it is until then.
    pub ahead: Vec<(String, String)>,
    /// What needs a person.
    pub told: Vec<Told>,
    /// Its runs, newest first.
    pub runs: Vec<LiveLine>,
    /// Commands to copy.
    pub commands: Vec<String>,
}

impl LiveSchedule {
    /// The view of a schedule by `snapshot`.
    pub fn new(schedule: &Schedule, snapshot: &Snapshot, now: Timestamp) -> Self {
        let since = now.checked_sub(SINCE).unwrap_or(Timestamp::MIN);
        let runs = snapshot.runs_of(schedule.namespace(), schedule.name());
        let view = view::schedule(schedule, &runs, since, now);
        let (name, namespace) = (schedule.name(), schedule.namespace());
        Self {
            row: ScheduleRow::new(&view.schedule, now),
            ahead: ahead(schedule, now),
            told: (view.notices.iter())
                .map(|notice| Told::new(notice, mood_of(notice, &view)))
                .collect(),
            runs: view.runs.iter().take(RUNS).map(LiveLine::new).collect(),
            commands: vec![
                super::command(&format!("trigger {name} -n {namespace}")),
                super::command(&format!("suspend schedule/{name} -n {namespace}")),
            ],
            view,
        }
    }

    /// Reasons of missed ticks with their numbers.
    pub fn missed(&self) -> Vec<(String, String)> {
        let reasons = self.view.missed.iter();
        reasons
            .map(|(reason, count)| (format::shortened(reason, 60), format::count(*count)))
            .collect()
    }

    /// How far the backfill is; empty where there is none.
    pub fn backfill(&self) -> String {
        self.view
            .backfill
            .as_ref()
            .map_or_else(String::new, |backfill| {
                format!(
                    "{} of {} since {} have ended",
                    format::count(backfill.done),
                    format::counted(backfill.total, "tick"),
                    crate::views::minute(backfill.from)
                )
            })
    }

    /// How many runs are not shown.
    pub fn more(&self) -> usize {
        self.view.runs.len().saturating_sub(self.runs.len())
    }
}

/// How bad it is what a notice of a schedule's view tells.
fn mood_of(notice: &Notice, view: &ScheduleView) -> Mood {
    match notice.kind {
        Subject::Run => {
            let line = view.runs.iter().find(|line| line.name == notice.name);
            line.map_or(Mood::Fair, mood_of_run)
        }
        _ => mood_of_schedule(notice, &view.schedule),
    }
}

fn ahead(schedule: &Schedule, now: Timestamp) -> Vec<(String, String)> {
    let Some(spec) = schedule.spec.as_ref().ok().filter(|spec| !spec.suspend) else {
        return Vec::new();
    };
    let Ok(timetable) = Timetable::parse(&spec.schedule, &spec.time_zone) else {
        return Vec::new();
    };
    let ticks = timetable.after(now).take(AHEAD);
    ticks
        .map(|tick| (crate::views::minute(tick), until(tick, now)))
        .collect()
}
