use fleetscore_crds::{
    BACKFILL_TICKS, BACKFILL_YEARS, Backfill, BackfillStatus, ScoringScheduleSpec,
};
use fleetscore_ticks::Timetable;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::view::VERSION;

/// Ticks that are named at either end of a range.
const SHOWN: usize = 3;

/// A backfill that is about to be asked for.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backfilling {
    /// Version of this form: 1.
    pub version: u32,
    /// The range.
    pub backfill: Backfill,
    /// Ticks in it.
    pub ticks: u64,
    /// The first of them.
    pub first: Vec<Timestamp>,
    /// The last of them, where the first are not all.
    pub last: Vec<Timestamp>,
    /// Ticks in it that are yet to come: they are the schedule's own.
    pub to_come: u64,
    /// An unfinished backfill whose place it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<BackfillStatus>,
    /// Whether the schedule is suspended, so that nothing begins yet.
    pub suspended: bool,
    /// What to merge into the schedule.
    #[serde(skip)]
    pub patch: Value,
}

/// The backfill of a schedule over `[from, to)`. `version` is the schedule's resource version as it was looked at.
///
/// # Errors
///
/// A range that the API refuses or that holds no tick, and a schedule whose text is wrong; in words.
pub fn backfill(
    spec: &ScoringScheduleSpec,
    going: Option<BackfillStatus>,
    backfill: Backfill,
    version: &str,
    now: Timestamp,
) -> Result<Backfilling, String> {
    let Backfill { from, to, .. } = backfill;
    let timetable = Timetable::parse(&spec.schedule, &spec.time_zone)
        .map_err(|error| format!("the schedule cannot be read: {error}"))?;
    if from >= to {
        return Err(format!("--from {from} is not before --to {to}"));
    }
    let days = to.duration_since(from).as_hours() / 24;
    let longest = i64::from(BACKFILL_YEARS) * 366;
    if days > longest {
        return Err(format!(
            "the range spans more than {BACKFILL_YEARS} years; backfill one part after the other"
        ));
    }
    let ticks = timetable.count(from, to);
    if ticks == 0 {
        return Err(format!("no tick lies in [{from}, {to})"));
    }
    if ticks > BACKFILL_TICKS {
        return Err(format!(
            "the range holds {ticks} ticks, more than {BACKFILL_TICKS}; backfill one part after the other"
        ));
    }
    let whole = usize::try_from(ticks).unwrap_or(usize::MAX);
    let shown = if whole <= 2 * SHOWN { whole } else { SHOWN };
    let first = timetable.is_tick(from).then_some(from);
    let first = first
        .into_iter()
        .chain(timetable.after(from))
        .take(shown)
        .collect();
    let mut last = Vec::new();
    if shown < whole {
        let mut end = to;
        while last.len() < SHOWN
            && let Some(tick) = timetable.previous(end)
        {
            last.insert(0, tick);
            end = tick;
        }
    }
    let unfinished = going.filter(|going| going.done < going.total);
    Ok(Backfilling {
        version: VERSION,
        backfill,
        ticks,
        first,
        last,
        to_come: timetable.count(from.max(now), to.max(now)),
        replaces: unfinished.filter(|going| going.from != from),
        suspended: spec.suspend,
        patch: json!({"metadata": {"resourceVersion": version}, "spec": {"backfill": backfill}}),
    })
}
