use std::sync::Arc;

use fleetscore_crds::Phase;
use fleetscore_scorer::drawing::format;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::series::{EARLIER, usual_share};
use crate::history::{Run, Series};
use crate::views::shared::{ago, median, share};
use crate::views::{Mood, RunLine, SeriesName};

/// Something that needs a person.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    /// How bad it is.
    pub mood: Mood,
    /// What it is about.
    pub subject: String,
    /// What there is.
    pub text: String,
    /// Address of the page that tells more.
    pub link: String,
}

/// What is wrong with a series, if anything is: the worst of it.
pub fn look(series: &Series, runs: &[Arc<Run>], now: Timestamp) -> Option<Look> {
    let last = runs.first()?;
    let name = SeriesName::new(series);
    let (record, sensors) = (&last.record, last.record.sensors);
    let subject = match name.place().as_str() {
        "" => name.name.clone(),
        place => format!("{place} / {}", name.name),
    };
    let found = |mood, text, link: &str| {
        Some(Look {
            mood,
            subject: subject.clone(),
            text,
            link: link.to_owned(),
        })
    };
    let line = RunLine::new(last);
    if record.phase == Phase::Failed {
        let failed = runs
            .iter()
            .take_while(|run| run.record.phase == Phase::Failed)
            .count();
        let times = match failed {
            1 => "The last run failed".to_owned(),
            more => format!("The last {more} runs failed"),
        };
        let text = format!(
            "{times}: {} of {}.",
            format::count(sensors.failed),
            format::counted(sensors.total, "sensor") + " failed"
        );
        return found(Mood::Bad, text, &line.link);
    }
    if let Some(gap) = stale(series, runs, now) {
        let text = format!(
            "No run began for {}; usually one begins every {}.",
            ago(now, record.timing.start_time),
            format::duration(gap.as_secs_f64())
        );
        return found(Mood::Bad, text, &name.link);
    }
    if let (Some(now_share), Some(usual)) = (last.share(), usual_share(runs))
        && now_share > 0.05
        && now_share > 3.0 * usual
    {
        let text = format!(
            "{} of the readings are anomalies; usually {}.",
            share(Some(now_share)),
            share(Some(usual))
        );
        return found(Mood::Fair, text, &name.health);
    }
    if sensors.failed > 0 {
        let reasons: Vec<_> = (record.failures.iter().take(3))
            .map(|group| {
                format!(
                    "{} {}",
                    format::shortened(&group.reason, 40),
                    format::count(group.count)
                )
            })
            .collect();
        let failed = format::counted(sensors.failed, "sensor");
        let text = format!("{failed} failed in the last run ({}).", reasons.join(", "));
        return found(Mood::Fair, text, &line.link);
    }
    None
}

/// The usual time between the starts of a schedule's runs, where the newest began more than twice that long ago.
fn stale(series: &Series, runs: &[Arc<Run>], now: Timestamp) -> Option<SignedDuration> {
    if !series.is_schedule() {
        return None;
    }
    let start = |run: &Arc<Run>| run.record.timing.start_time;
    let starts: Vec<_> = runs.iter().take(EARLIER).map(start).collect();
    let gaps = starts.windows(2).filter_map(|pair| match pair {
        [later, earlier] => Some(later.duration_since(*earlier).as_secs_f64()),
        _ => None,
    });
    let gap = median(gaps).filter(|gap| starts.len() > 3 && *gap > 1.0)?;
    let since = now.duration_since(*starts.first()?).as_secs_f64();
    (since > 2.0 * gap + 1_800.0).then(|| SignedDuration::from_secs_f64(gap))
}
