//! `failed`.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use fleetscore_cluster::view::VERSION;
use fleetscore_cluster::{Run, Target};
use fleetscore_crds::{FailureReason, Phase, SensorKey};
use fleetscore_scorer::{outputs, report};
use schemars::JsonSchema;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::{Deserialize, Serialize};

use super::exit;
use super::format::{Form, FormatArgs};
use super::login::LoginArgs;
use super::screen::{Cell, Page, Tone};
use super::sensor::{self, Wanted};
use super::storage::{Place, StorageArgs};
use super::words::counted;
use crate::commands::{Result, block_on, failure, output};

/// Largest list of failed sensors that is read, in bytes: a million sensors.
const LIST_BYTES: u64 = 512 << 20;
/// Sensors of a reason that are shown, where not one reason or sensor is asked for.
const SHOWN: usize = 5;

/// Show which sensors failed, by reason, and what to do
///
/// Read from _run/failed.jsonl in the run's output location with your own login to
/// storage; where that cannot be read, from the run's status, which has the ten most
/// frequent reasons and an example of each, so no --sensor.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore failed pumps                              the newest run of a schedule
  kubectl fleetscore failed run/pumps-1764324000 --reason ModelNotFound
  kubectl fleetscore failed pumps --sensor device=3 -o json
  kubectl fleetscore failed pumps -o csv > failed.csv

Exit codes: 0 shown, also where no sensor failed; 4 no such run; 5 cannot tell.")]
pub struct FailedArgs {
    /// The run, or a schedule, meaning its newest run
    #[arg(value_name = "RUN")]
    target: Target,
    /// Only sensors that failed for this reason
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// Only sensors with this key; may be repeated, a key each
    #[arg(long, value_name = "KEY=VALUE")]
    sensor: Vec<Wanted>,
    #[command(flatten)]
    storage: StorageArgs,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Failed sensors of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedView {
    /// Version of this form: 1.
    pub version: u32,
    /// The run's namespace.
    pub namespace: String,
    /// The run.
    pub run: String,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// `storage`, with all failed sensors, or `status`, with an example a reason.
    pub source: Source,
    /// The failed sensors of the run, as far as that is known.
    pub failed: u64,
    /// By reason, the most frequent first.
    pub groups: Vec<FailedGroup>,
}

/// Where failed sensors are known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// The run's list in storage: all of them.
    Storage,
    /// The run's status: an example a reason.
    Status,
}

/// Sensors that failed for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedGroup {
    /// The reason.
    pub reason: String,
    /// What it means, in a few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// How many sensors.
    pub count: u64,
    /// The sensors: all, or an example from the status.
    pub sensors: Vec<FailedSensor>,
}

/// A sensor that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedSensor {
    /// Its keys; none where the source names it in text alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub key: Option<SensorKey>,
    /// The sensor in text: `device=3 tag=9`.
    pub sensor: String,
    /// What happened.
    pub message: String,
}

/// A line of the list. Other versions may have other reasons.
#[derive(Deserialize)]
struct Line {
    key: SensorKey,
    reason: String,
    #[serde(default)]
    message: String,
}

/// Runs the command.
pub fn run(args: &FailedArgs) -> Result {
    block_on(async {
        let (cluster, scope) = args.login.connect().await?;
        let found = cluster.run(&scope, &args.target).await;
        let run = found.map_err(exit::cluster)?;
        let view = view(args, &run).await?;
        if args.format.output == Some(Form::Csv) {
            output::print_as_is(&csv(&view)?)?;
            return Ok(0);
        }
        let folded = args.reason.is_none() && args.sensor.is_empty();
        args.format
            .print(&view, names, |view, page| draw(view, folded, page))?;
        Ok(0)
    })?
}

async fn view(args: &FailedArgs, run: &Run) -> Result<FailedView> {
    let read = match Place::of(run, &args.storage) {
        Ok(place) => place.read(&place.own("failed.jsonl"), LIST_BYTES).await,
        Err(error) => Err(error),
    };
    let status = run.status.as_ref().ok();
    let failed = status
        .and_then(|status| status.sensors)
        .map_or(0, |counts| counts.failed);
    let mut view = FailedView {
        version: VERSION,
        namespace: run.namespace().to_owned(),
        run: run.name().to_owned(),
        phase: run.phase(),
        source: Source::Storage,
        failed,
        groups: Vec::new(),
    };
    match read {
        Ok(Some(bytes)) => {
            let lines = lines(&bytes)?;
            view.failed = lines.len() as u64;
            view.groups = groups(lines, args);
            return Ok(view);
        }
        // The status names no more than an example a reason, and that by no keys.
        Err(error) if !args.sensor.is_empty() => return Err(error),
        Ok(None) if !args.sensor.is_empty() => {
            return Err(exit::cannot_tell(
                "--sensor needs the run's list of failed sensors, which is not there: it is written when the run ends",
            ));
        }
        Ok(None) if !run.phase().is_some_and(Phase::is_end) => {
            output::note("note: the list of failed sensors is written when the run ends");
        }
        Ok(None) => {}
        Err(error) => output::note(&format!(
            "note: from the run's status alone: {}",
            error.error
        )),
    }
    of_status(&mut view, run, args);
    Ok(view)
}

fn lines(bytes: &[u8]) -> Result<Vec<Line>> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_slice(line).map_err(|error| {
                exit::cannot_tell(format!("{}, line {}: {error}", outputs::FAILED, number + 1))
            })
        })
        .collect()
}

fn groups(lines: Vec<Line>, args: &FailedArgs) -> Vec<FailedGroup> {
    let mut by_reason: BTreeMap<String, Vec<FailedSensor>> = BTreeMap::new();
    for line in lines {
        let wanted = args
            .reason
            .as_ref()
            .is_none_or(|reason| *reason == line.reason);
        if wanted && sensor::is_meant(&args.sensor, &line.key) {
            by_reason
                .entry(line.reason)
                .or_default()
                .push(FailedSensor {
                    sensor: line.key.to_string(),
                    key: Some(line.key),
                    message: line.message,
                });
        }
    }
    let groups = by_reason.into_iter();
    let groups = groups.map(|(reason, sensors)| group(reason, sensors.len() as u64, sensors));
    let mut groups: Vec<_> = groups.collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

fn of_status(view: &mut FailedView, run: &Run, args: &FailedArgs) {
    view.source = Source::Status;
    let status = run.status.as_ref().ok();
    let told = status.into_iter().flat_map(|status| &status.top_failures);
    let told = told.filter(|group| {
        args.reason
            .as_ref()
            .is_none_or(|reason| *reason == group.reason)
    });
    let mut groups = told.map(|told| {
        let sensors = vec![FailedSensor {
            key: None,
            sensor: told.example.clone(),
            message: told.message.clone(),
        }];
        group(told.reason.clone(), told.count, sensors)
    });
    view.groups = groups.by_ref().collect();
}

fn group(reason: String, count: u64, sensors: Vec<FailedSensor>) -> FailedGroup {
    let from: StrDeserializer<'_, ValueError> = reason.as_str().into_deserializer();
    let advice = FailureReason::deserialize(from).ok().map(report::advice);
    FailedGroup {
        title: advice.map(|advice| advice.title.to_owned()),
        action: advice.map(|advice| advice.action.to_owned()),
        reason,
        count,
        sensors,
    }
}

fn names(view: &FailedView) -> Vec<String> {
    let sensors = view.groups.iter().flat_map(|group| &group.sensors);
    sensors.map(|sensor| sensor.sensor.clone()).collect()
}

fn draw(view: &FailedView, folded: bool, page: &mut Page) {
    page.line([
        Cell::new(format!("run/{}", view.run), Tone::Head),
        "  ".into(),
        super::words::phase(view.phase),
        format!("  {} failed", counted(view.failed, "sensor")).into(),
    ]);
    for group in &view.groups {
        page.gap();
        let title = group
            .title
            .as_ref()
            .map_or_else(String::new, |title| format!(": {title}"));
        page.line([
            Cell::new(&group.reason, Tone::Bad),
            format!("  {}{title}", counted(group.count, "sensor")).into(),
        ]);
        if let Some(action) = &group.action {
            page.paragraph(&Cell::from("  -> "), &Cell::new(action, Tone::Good));
        }
        let shown = if folded { SHOWN } else { usize::MAX };
        for sensor in group.sensors.iter().take(shown) {
            let label = format!("  {}  ", sensor.sensor);
            page.paragraph(&label.into(), &sensor.message.as_str().into());
        }
        let more = group
            .count
            .saturating_sub(group.sensors.len().min(shown) as u64);
        if more > 0 {
            let way = match view.source {
                Source::Storage => {
                    format!("  and {more} more: --reason {} shows all", group.reason)
                }
                Source::Status => format!("  and {more} more, which the status does not name"),
            };
            page.line([Cell::new(way, Tone::Dim)]);
        }
    }
    if view.groups.is_empty() && view.failed > 0 {
        let text = if folded {
            "Their reasons are not known yet."
        } else {
            "None of them is what --reason and --sensor ask for; without these all are shown."
        };
        page.paragraph(&Cell::default(), &text.into());
    }
}

/// A line a sensor: reason, its keys, message.
fn csv(view: &FailedView) -> Result<Vec<u8>> {
    let sensors = || {
        view.groups
            .iter()
            .flat_map(|group| group.sensors.iter().map(move |sensor| (group, sensor)))
    };
    let keys: BTreeSet<&str> = sensors()
        .filter_map(|(_, sensor)| sensor.key.as_ref())
        .flat_map(|key| key.iter().map(|(name, _)| name))
        .collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = ["reason"]
        .into_iter()
        .chain(keys.iter().copied())
        .chain(["sensor", "message"]);
    writer.write_record(head).map_err(failure)?;
    for (group, sensor) in sensors() {
        let values = keys.iter().map(|name| {
            sensor
                .key
                .as_ref()
                .and_then(|key| key.get(name))
                .unwrap_or_default()
        });
        let row = [group.reason.as_str()].into_iter().chain(values);
        let row = row.chain([sensor.sensor.as_str(), sensor.message.as_str()]);
        let shown = row.map(|text| fleetscore_crds::visible(text).into_owned());
        writer.write_record(shown).map_err(failure)?;
    }
    writer
        .into_inner()
        .map_err(|error| failure(error.into_error()))
}
