use std::sync::Arc;

use fleetscore_crds::SensorKey;
use fleetscore_scorer::drawing::format;
use fleetscore_scorer::history::Shares;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::shared::short;
use super::{RunLine, SeriesName, VERSION};
use crate::history::{Fleet, FleetColumn, Outcome, Run, Series};
use crate::{links, slug};

/// Runs of the chart.
const RUNS: usize = 168;
/// Sensors told of for each finding.
const TOLD: usize = 20;
/// Earlier runs that a mean needs to be worth comparing with.
const ENOUGH: u32 = 5;
/// Seconds that a mean is taken over: 7 days.
const WINDOW: i64 = 7 * 86_400;
/// Standard deviations that are far.
const FAR: f64 = 3.0;
/// The smallest rise of the share that is told.
const RISE: f64 = 0.02;

/// Which models of a schedule fit no longer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Version of this format: 1.
    pub version: u32,
    /// The schedule.
    pub series: SeriesName,
    /// The spread of the sensors' shares of anomalies by run, oldest first.
    pub runs: Vec<HealthRun>,
    /// Sensors of the schedule.
    pub sensors: u32,
    /// Runs whose sensors are known.
    pub compared: usize,
    /// What was found, one entry a question.
    pub findings: Vec<Finding>,
    /// Why the newest run is not among those that are compared, so that what is found is of an earlier one; absent where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_unread: Option<String>,
    /// When the readings of the run that is compared end; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared_run: Option<Timestamp>,
}

/// The spread in one run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthRun {
    /// The run.
    pub run: RunLine,
    /// The end of its readings, without a window its start.
    pub at: Timestamp,
    /// The spread; absent where no sensor has readings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shares: Option<Shares>,
}

/// Sensors of which something is to be told.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Name for programs.
    pub id: &'static str,
    /// What is found.
    pub title: &'static str,
    /// What it means, and what to do.
    pub advice: &'static str,
    /// What the number of a sensor is.
    pub measure: &'static str,
    /// Sensors of which it is true.
    pub count: u64,
    /// The worst of them.
    pub sensors: Vec<Found>,
}

/// One sensor of a finding.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The sensor's keys.
    #[schemars(with = "std::collections::BTreeMap<String, String>")]
    pub key: SensorKey,
    /// How far it is, or how often; the larger, the worse.
    pub measure: f64,
    /// The same in words.
    pub text: String,
    /// Address of its page.
    pub link: String,
}

impl Found {
    /// The key as text.
    pub fn title(&self) -> String {
        format::shortened(&self.key.to_string(), 80)
    }
}

impl Finding {
    /// The number as text.
    pub fn count_text(&self) -> String {
        format::count(self.count)
    }

    /// How many there are beyond those told; empty where there are none.
    pub fn more(&self) -> String {
        match self.count.saturating_sub(self.sensors.len() as u64) {
            0 => String::new(),
            more => format!("and {} more", format::count(more)),
        }
    }
}

impl HealthRun {
    /// The time as text.
    pub fn time(&self) -> String {
        short(self.at)
    }

    /// The spread as text.
    pub fn quantiles(&self) -> [String; 4] {
        self.shares.map_or_else(
            || ["–"; 4].map(String::from),
            |shares| [shares.p50, shares.p90, shares.p99, shares.max].map(format::percent),
        )
    }
}

impl Health {
    /// The runs that the last one is compared with, as text.
    pub fn earlier(&self) -> String {
        format::counted(self.compared.saturating_sub(1) as u64, "run")
    }

    /// The health of the models behind `runs`, newest first, whose sensors are in `fleet`.
    pub fn new(series: &Series, runs: &[Arc<Run>], fleet: &Fleet) -> Self {
        let newest = runs.iter().take(RUNS).rev();
        Self {
            version: VERSION,
            series: SeriesName::new(series),
            runs: newest
                .map(|run| HealthRun {
                    run: RunLine::new(run),
                    at: run.at(),
                    shares: run.record.anomaly_shares,
                })
                .collect(),
            sensors: fleet.sensors(),
            compared: fleet.columns.len(),
            findings: findings(series, fleet),
            newest_unread: newest_unread(runs, fleet),
            compared_run: fleet.columns.last().map(FleetColumn::at),
        }
    }

    /// The run that is compared, as text.
    pub fn compared_text(&self) -> String {
        self.compared_run
            .map_or_else(|| "no run".into(), |at| format!("the run of {}", short(at)))
    }
}

fn newest_unread(runs: &[Arc<Run>], fleet: &Fleet) -> Option<String> {
    let newest = runs.first()?;
    let (_, reason) = (fleet.unread.iter()).find(|(run, _)| Arc::ptr_eq(run, newest))?;
    Some(format::shortened(reason, 300))
}

/// A sensor's number, how bad it is, and that in words.
type Measured = (u32, f64, String);

fn findings(series: &Series, fleet: &Fleet) -> Vec<Finding> {
    let Some((last, earlier)) = fleet.columns.split_last() else {
        return Vec::new();
    };
    let since = last.at().as_second().saturating_sub(WINDOW);
    let start = earlier.partition_point(|column| column.at().as_second() < since);
    let week = earlier.get(start..).unwrap_or_default();
    let (mut drifted, mut risen, mut mostly, mut failing, mut silent) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for sensor in 0..fleet.sensors() {
        drifted.extend(drift(last, week, sensor));
        risen.extend(rise(last, week, sensor));
        let reason = fleet.reasons.get(&sensor).map(String::as_str);
        match last.outcome(sensor) {
            Outcome::Share(share) if share > 0.5 => {
                mostly.push((sensor, share, format::percent(share)));
            }
            Outcome::NoRows => silent.push((sensor, 1.0, "no rows in the window".into())),
            Outcome::Failed => {
                if reason.is_some_and(|reason| reason.contains("Readings")) {
                    let reason = format::shortened(reason.unwrap_or_default(), 60);
                    silent.push((sensor, 1.0, reason));
                }
                let newest_first = fleet.columns.iter().rev();
                let times = newest_first
                    .take_while(|column| column.outcome(sensor) == Outcome::Failed)
                    .count();
                if times >= 3 {
                    let reason = format::shortened(reason.unwrap_or("unknown"), 60);
                    let text = format!("{}: {reason}", format::counted(times as u64, "run"));
                    failing.push((sensor, times as f64, text));
                }
            }
            Outcome::Share(_) | Outcome::Absent => {}
        }
    }
    let finding = |id, title, advice, measure, found: Vec<Measured>| {
        tell(series, fleet, id, title, advice, measure, found)
    };
    vec![
        finding(
            "drifted",
            "Mean score has moved",
            "The mean score of the last run lies at least 3 standard deviations from the sensor's mean of the 7 days before. The machine has changed, or the model no longer fits: look at the readings, then train it again.",
            "Distance",
            drifted,
        ),
        finding(
            "risen",
            "Share has risen",
            "The share in the last run is at least 2 percentage points above the mean of the 7 days before.",
            "Rise",
            risen,
        ),
        finding(
            "mostlyAnomalous",
            "Mostly anomalous",
            "More than half of the readings are anomalies: rather the model or the input is wrong than the machine.",
            "Share",
            mostly,
        ),
        finding(
            "failing",
            "Failing for 3 runs or more",
            "Nobody watches these sensors at the moment.",
            "Since",
            failing,
        ),
        finding(
            "withoutReadings",
            "Without readings",
            "The last run found nothing to score. Check that the ingestion still writes them, or take them off the list.",
            "Reason",
            silent,
        ),
    ]
}

fn tell(
    series: &Series,
    fleet: &Fleet,
    id: &'static str,
    title: &'static str,
    advice: &'static str,
    measure: &'static str,
    mut found: Vec<Measured>,
) -> Finding {
    let count = found.len() as u64;
    found.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    let told = found.into_iter().take(TOLD);
    let sensors = told.map(|(sensor, measure, text)| {
        let key = fleet.key(sensor);
        Found {
            key: slug::decode_key(&key).unwrap_or_default(),
            measure,
            text,
            link: links::sensor_of(series, &key),
        }
    });
    Finding {
        id,
        title,
        advice,
        measure,
        count,
        sensors: sensors.collect(),
    }
}

/// Whether the sensor's mean score is far from that of the week before.
fn drift(last: &FleetColumn, week: &[FleetColumn], sensor: u32) -> Option<Measured> {
    let now = last.mean(sensor)?;
    let (count, mean, deviation) = spread(week.iter().filter_map(|column| column.mean(sensor)));
    // A score that never changed has no spread, but for what rounding adds.
    let least = 1e-6 * (1.0 + mean.abs());
    let distance = (now - mean) / deviation.max(least);
    (count >= ENOUGH && distance.abs() >= FAR).then(|| {
        let text = format!(
            "{} now, {} ± {} before",
            format::number(now),
            format::number(mean),
            format::number(deviation)
        );
        (sensor, distance.abs(), text)
    })
}

/// Whether the sensor's share of anomalies has risen since the week before.
fn rise(last: &FleetColumn, week: &[FleetColumn], sensor: u32) -> Option<Measured> {
    let share = |column: &FleetColumn| match column.outcome(sensor) {
        Outcome::Share(share) => Some(share),
        _ => None,
    };
    let now = share(last)?;
    let (count, mean, _) = spread(week.iter().filter_map(share));
    (count >= ENOUGH && now - mean >= RISE).then(|| {
        let text = format!(
            "{} now, {} before",
            format::percent(now),
            format::percent(mean)
        );
        (sensor, now - mean, text)
    })
}

/// Count, mean and standard deviation (with n - 1), in one pass.
fn spread(values: impl Iterator<Item = f64>) -> (u32, f64, f64) {
    let (mut count, mut mean, mut squares) = (0_u32, 0.0, 0.0);
    for value in values {
        count += 1;
        let off = value - mean;
        mean += off / f64::from(count);
        squares += off * (value - mean);
    }
    let deviation = if count > 1 {
        (squares / f64::from(count - 1)).sqrt()
    } else {
        0.0
    };
    (count, mean, deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against `numpy.std(ddof=1)`.
    #[test]
    fn the_spread_is_that_of_a_sample() {
        let (count, mean, deviation) = spread([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].into_iter());
        assert_eq!((count, mean), (8, 5.0));
        assert!((deviation - 2.138_089_935_299_395).abs() < 1e-12);
        assert_eq!(spread([1.0].into_iter()), (1, 1.0, 0.0));
    }
}
