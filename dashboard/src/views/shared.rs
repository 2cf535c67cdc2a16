use fleetscore_crds::{Phase, Window};
use fleetscore_scorer::drawing::format;
use fleetscore_scorer::report::SensorTotals;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::history::{Run, Series};
use crate::links;

/// How something stands, in a word that picks its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mood {
    /// All is well.
    Good,
    /// Look at it.
    Fair,
    /// It failed.
    Bad,
    /// Neither.
    Plain,
}

impl Mood {
    /// The mood of a run's end.
    pub fn of(phase: Phase) -> Self {
        match phase {
            Phase::Succeeded => Self::Good,
            Phase::Failed => Self::Bad,
            _ => Self::Fair,
        }
    }

    /// Its class in the style sheet.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Fair => "fair",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }
}

/// A number with its name.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tile {
    /// What is counted.
    pub name: String,
    /// The number, as it is shown.
    pub value: String,
    /// More about it.
    pub note: String,
    /// How it stands.
    pub mood: Mood,
}

impl Tile {
    /// A tile.
    pub fn new(name: &str, value: String, note: impl Into<String>, mood: Mood) -> Self {
        Self {
            name: name.into(),
            value,
            note: note.into(),
            mood,
        }
    }
}

/// Runs that are alike.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeriesName {
    /// Their namespace; absent outside a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Their schedule, or the name that they share.
    pub name: String,
    /// Whether a schedule makes them.
    pub is_schedule: bool,
    /// Address of the page about them.
    pub link: String,
    /// Address of the page about the health of their models.
    pub health: String,
}

impl SeriesName {
    /// Names `series`.
    pub fn new(series: &Series) -> Self {
        Self {
            namespace: (!series.namespace.is_empty()).then(|| series.namespace.clone()),
            name: format::shortened(series.label(), 80),
            is_schedule: series.is_schedule(),
            link: links::schedule(series),
            health: links::health(series),
        }
    }

    /// The namespace as text.
    pub fn place(&self) -> String {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        format::shortened(namespace, 60)
    }
}

/// One run in a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunLine {
    /// Its namespace; absent outside a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The schedule that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// How it ended.
    pub phase: Phase,
    /// The readings that it scored; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// When it began.
    pub start_time: Timestamp,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Its sensors.
    pub sensors: SensorTotals,
    /// Readings that it scored.
    pub rows: u64,
    /// Anomalies among them.
    pub anomalies: u64,
    /// `anomalies` / `rows`; absent without rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Address of its page.
    pub link: String,
    /// Address of its schedule's page.
    pub series: String,
}

impl RunLine {
    /// The line of `run`.
    pub fn new(run: &Run) -> Self {
        let record = &run.record;
        Self {
            namespace: record.run.namespace.clone(),
            name: record.run.name.clone(),
            schedule: record.run.schedule.clone(),
            phase: record.phase,
            window: record.run.window,
            start_time: record.timing.start_time,
            seconds: record.timing.seconds,
            sensors: record.sensors,
            rows: record.rows,
            anomalies: record.anomalies,
            share: run.share(),
            link: links::run(run),
            series: links::schedule(&run.series()),
        }
    }

    /// The name as text.
    pub fn title(&self) -> String {
        format::shortened(&self.name, 80)
    }

    /// The namespace and the schedule as text.
    pub fn belongs(&self) -> String {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let schedule = self.schedule.as_deref().unwrap_or_default();
        let text = match (namespace, schedule) {
            ("", schedule) => schedule.to_owned(),
            (namespace, "") => namespace.to_owned(),
            (namespace, schedule) => format!("{namespace} / {schedule}"),
        };
        format::shortened(&text, 80)
    }

    /// The mood of its end.
    pub fn mood(&self) -> Mood {
        Mood::of(self.phase)
    }

    /// Its end as one letter: a colour alone says nothing to some.
    pub fn letter(&self) -> &'static str {
        match self.phase {
            Phase::Succeeded => "S",
            Phase::PartiallySucceeded => "P",
            Phase::Failed => "F",
            _ => "?",
        }
    }

    /// Its end in words.
    pub fn ended(&self) -> &'static str {
        phase_words(self.phase)
    }

    /// When it began, as text.
    pub fn started(&self) -> String {
        minute(self.start_time)
    }

    /// What it scored, as text.
    pub fn scored(&self) -> String {
        self.window.map_or_else(|| "all readings".into(), span)
    }

    /// How long it took, as text.
    pub fn took(&self) -> String {
        format::duration(self.seconds)
    }

    /// Scored of all sensors, as text.
    pub fn scored_sensors(&self) -> String {
        let SensorTotals {
            succeeded, total, ..
        } = self.sensors;
        format!("{} / {}", format::count(succeeded), format::count(total))
    }

    /// Failed sensors as text.
    pub fn failed(&self) -> String {
        format::count(self.sensors.failed)
    }

    /// The share of anomalies as text.
    pub fn share_text(&self) -> String {
        share(self.share)
    }
}

/// A share as text: `1.2%`, a dash without one.
pub fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "–".into(), format::percent)
}

/// `2026-11-28 16:00`.
pub fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

/// `28 Nov 16:00`.
pub fn short(time: Timestamp) -> String {
    time.strftime("%-d %b %H:%M").to_string()
}

/// `28 Nov 15:00 – 16:00`, with the second date where it is another one.
pub fn span(window: Window) -> String {
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let (start, end) = (window.start, window.end);
    if day(start) == day(end) {
        return format!("{} – {}", short(start), end.strftime("%H:%M"));
    }
    format!("{} – {}", short(start), short(end))
}

/// A phase in words.
pub fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Succeeded => "Succeeded",
        Phase::PartiallySucceeded => "Partially succeeded",
        Phase::Failed => "Failed",
        _ => "Unfinished",
    }
}

/// How long ago, roughly: `3 hours`.
pub fn ago(now: Timestamp, time: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(time.as_second()).max(0);
    let counted = |number: i64, noun| format::counted(number.unsigned_abs(), noun);
    match seconds {
        0..120 => counted(seconds, "second"),
        120..7_200 => counted(seconds / 60, "minute"),
        7_200..172_800 => counted(seconds / 3_600, "hour"),
        _ => counted(seconds / 86_400, "day"),
    }
}

/// The value in the middle, of an even number the lower one; none of none.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values
        .into_iter()
        .filter(|value| value.is_finite())
        .collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied()
}
