use fleetscore_cluster::view::{
    self, Notice, Overview, RunLine, ScheduleLine, ScheduleState, Subject,
};
use fleetscore_scorer::drawing::format;
use jiff::{SignedDuration, Timestamp};

use super::{command, phase_mood, phase_words, took};
use crate::history::Series;
use crate::links;
use crate::live::Snapshot;
use crate::views::Mood;

/// What happened so long ago is told of.
pub const SINCE: SignedDuration = SignedDuration::from_hours(24);
/// Lines of a table.
const LINES: usize = 100;

/// What goes on in a cluster now.
#[derive(Clone, Debug)]
pub struct Now {
    /// The numbers, as `kubectl fleetscore status -A -o json` has them.
    pub overview: Overview,
    /// What needs a person, the worst first.
    pub told: Vec<Told>,
    /// Runs that go on.
    pub running: Vec<LiveLine>,
    /// Streams: name, namespace, state, mood, and why.
    pub streams: Vec<(String, String, String, Mood, String)>,
    /// Whether all objects have been heard of.
    pub is_whole: bool,
}

/// Something that needs a person.
#[derive(Clone, Debug)]
pub struct Told {
    /// How bad it is.
    pub mood: Mood,
    /// The object.
    pub subject: String,
    /// Address of its page; empty where it has none.
    pub link: String,
    /// Why, in one word.
    pub reason: String,
    /// What is the matter.
    pub text: String,
    /// The command that tells more or mends it; empty where there is none.
    pub command: String,
}

/// A run in one line.
#[derive(Clone, Debug)]
pub struct LiveLine {
    /// Its name.
    pub title: String,
    /// Address of its page.
    pub link: String,
    /// Its namespace and schedule.
    pub place: String,
    /// Address of its schedule's page; empty where it has none.
    pub series: String,
    /// Where it stands.
    pub phase: &'static str,
    /// The mood of that.
    pub mood: Mood,
    /// How far its pods or sensors are.
    pub progress: String,
    /// The part that is done, from 0 to 1.
    pub done: Option<f64>,
    /// When it began.
    pub began: String,
    /// How long it has taken.
    pub took: String,
    /// Why it stands where it stands.
    pub message: String,
}

impl LiveLine {
    /// The line of a run.
    pub fn new(line: &RunLine) -> Self {
        let schedule = line.schedule.as_deref().unwrap_or_default();
        let series = line.schedule.as_ref().map(|name| Series {
            namespace: line.namespace.clone(),
            name: name.clone(),
        });
        let pods = line.pods.filter(|pods| pods.total > 0);
        let progress = match (pods, line.sensors) {
            (Some(pods), _) if !line.has_ended() => {
                let failed = match pods.failed {
                    0 => String::new(),
                    failed => format!(", {failed} with failures"),
                };
                format!(
                    "{} of {} done, {} at work or waiting{failed}",
                    pods.succeeded + pods.failed,
                    format::counted(u64::from(pods.total), "pod"),
                    pods.active,
                )
            }
            (_, Some(sensors)) if sensors.total > 0 => format!(
                "{} of {} scored",
                format::count(sensors.succeeded),
                format::counted(sensors.total, "sensor")
            ),
            _ => "–".into(),
        };
        let done = pods.map(|pods| f64::from(pods.succeeded + pods.failed) / f64::from(pods.total));
        Self {
            title: format::shortened(&line.name, 80),
            link: links::run_of(&line.namespace, &line.name),
            place: match schedule {
                "" => line.namespace.clone(),
                schedule => format!("{} / {schedule}", line.namespace),
            },
            series: series.map_or_else(String::new, |series| links::schedule(&series)),
            phase: phase_words(line.phase),
            mood: phase_mood(line.phase),
            progress,
            done,
            began: (line.started.or(line.created)).map_or_else(|| "–".into(), crate::views::minute),
            took: took(line.seconds),
            message: format::shortened(line.message.as_deref().unwrap_or_default(), 300),
        }
    }

    /// The width of what is done.
    pub fn bar(&self) -> String {
        let done = self.done.unwrap_or_default().clamp(0.0, 1.0);
        format!("{:.1}%", done * 100.0)
    }
}

impl Told {
    /// What a notice tells.
    pub fn new(notice: &Notice, mood: Mood) -> Self {
        let (namespace, name) = (&notice.namespace, &notice.name);
        let link = match notice.kind {
            Subject::Run => links::run_of(namespace, name),
            Subject::Schedule => links::schedule(&Series {
                namespace: namespace.clone(),
                name: name.clone(),
            }),
            Subject::Stream => String::new(),
        };
        Self {
            mood,
            subject: format!("{namespace} / {}", format::shortened(name, 80)),
            link,
            reason: format::shortened(&notice.reason, 40),
            text: format::shortened(&notice.message, 500),
            command: notice.command.as_deref().map_or_else(String::new, command),
        }
    }
}

/// How bad it is what a notice tells of a schedule: one that goes no further is worse than ticks that were missed.
pub fn mood_of_schedule(notice: &Notice, line: &ScheduleLine) -> Mood {
    let is_stuck = matches!(
        line.state,
        ScheduleState::Stalled | ScheduleState::Unreadable
    );
    if is_stuck && line.reason.as_deref() == Some(&notice.reason) {
        Mood::Bad
    } else {
        Mood::Fair
    }
}

/// How bad it is what a notice tells of a run.
pub fn mood_of_run(line: &RunLine) -> Mood {
    match phase_mood(line.phase) {
        Mood::Bad => Mood::Bad,
        _ => Mood::Fair,
    }
}

/// How bad it is what a notice of an overview tells.
fn mood(notice: &Notice, overview: &Overview) -> Mood {
    let is = |namespace: &str, name: &str| notice.namespace == namespace && notice.name == name;
    let schedules = || overview.schedules.iter();
    match notice.kind {
        Subject::Run => {
            let last = schedules().filter_map(|line| line.last_run.as_ref());
            let mut runs = overview.running.iter().chain(&overview.ended).chain(last);
            let line = runs.find(|line| is(&line.namespace, &line.name));
            line.map_or(Mood::Fair, mood_of_run)
        }
        Subject::Schedule => {
            let line = schedules().find(|line| is(&line.namespace, &line.name));
            line.map_or(Mood::Fair, |line| mood_of_schedule(notice, line))
        }
        Subject::Stream => Mood::Fair,
    }
}

impl Now {
    /// What goes on by `snapshot`.
    pub fn new(snapshot: &Snapshot, now: Timestamp) -> Self {
        let since = now.checked_sub(SINCE).unwrap_or(Timestamp::MIN);
        let overview = view::overview(&snapshot.objects, since, now);
        let streams = overview.streams.iter().map(|line| {
            let mood = match line.state {
                view::StreamState::Ready => Mood::Good,
                view::StreamState::Stalled | view::StreamState::Unreadable => Mood::Bad,
                view::StreamState::NotReady => Mood::Fair,
                _ => Mood::Plain,
            };
            (
                format::shortened(&line.name, 80),
                line.namespace.clone(),
                format!("{:?}", line.state),
                mood,
                format::shortened(line.message.as_deref().unwrap_or_default(), 300),
            )
        });
        let notices = overview.notices.iter().take(LINES);
        let told = notices.map(|notice| Told::new(notice, mood(notice, &overview)));
        let mut told: Vec<_> = told.collect();
        told.sort_by_key(|told| told.mood != Mood::Bad);
        Self {
            told,
            running: overview
                .running
                .iter()
                .take(LINES)
                .map(LiveLine::new)
                .collect(),
            streams: streams.take(LINES).collect(),
            is_whole: snapshot.is_whole,
            overview,
        }
    }
}
