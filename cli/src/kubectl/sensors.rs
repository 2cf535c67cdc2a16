//! `sensors`.

use std::collections::BTreeMap;

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use fleetscore_cluster::view::VERSION;
use fleetscore_cluster::{Found, Kinds, Run, Schedule, Scope, Target, find};
use fleetscore_crds::{SensorKey, visible};
use fleetscore_scorer::history::{
    HistoryError, RunRecord, SensorRow, SensorTable, list_records, read_record, root,
};
use fleetscore_scorer::ledger::{ScoreSummary, SensorState};
use fleetscore_scorer::outputs;
use fleetscore_storage::ObjectUrl;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use schemars::JsonSchema;
use serde::Serialize;

use super::exit;
use super::format::{Form, FormatArgs};
use super::login::LoginArgs;
use super::screen::{Cell, Page, Tone};
use super::sensor::{self, Wanted};
use super::storage::{Place, StorageArgs};
use super::table::Table;
use super::words::{NONE, counted, or_dash, percent, time};
use crate::commands::{CommandError, Result, block_on, failure, output, usage};

/// The table in the folder of a run's own files.
const TABLE: &str = "sensors.parquet";

/// Runs that are read at the same time.
const AT_ONCE: usize = 16;
/// Months that are looked back, at most.
const MONTHS: usize = 24;

/// Show a run's sensors as a table, or one sensor over its last runs
///
/// Read from _run/sensors.parquet in the run's output location, with your own login to
/// storage.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore sensors pumps                             the most anomalous of the newest run
  kubectl fleetscore sensors pumps --where reason=NoReadings
  kubectl fleetscore sensors pumps --sort rows --top 100 -o csv
  kubectl fleetscore sensors schedule/pumps --sensor device=3 --sensor tag=9 --last 48

Exit codes: 0 shown; 4 no such run, or the run has no table; 5 cannot tell.")]
pub struct SensorsArgs {
    /// The run, or a schedule, meaning its newest run
    #[arg(value_name = "RUN")]
    target: Target,
    /// Which sensors come first
    #[arg(long, value_enum, value_name = "BY", default_value_t = Sort::Share)]
    sort: Sort,
    /// Show only the first so many; 0 shows all
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// Only sensors with state=Failed, state=Succeeded, reason=REASON or warning=REASON; may be repeated
    #[arg(long = "where", value_name = "FIELD=VALUE")]
    conditions: Vec<Condition>,
    /// Only sensors with this key; may be repeated, a key each
    #[arg(long, value_name = "KEY=VALUE")]
    sensor: Vec<Wanted>,
    /// Show one sensor over so many of the schedule's last runs; --sensor names all of its keys
    #[arg(long, value_name = "N", requires = "sensor")]
    last: Option<usize>,
    #[command(flatten)]
    storage: StorageArgs,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Which sensors come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// Those with the largest share of anomalies
    Share,
    /// Those with the smallest score
    Min,
    /// Those with the most readings
    Rows,
    /// In the order of their keys
    Key,
}

/// What a sensor is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    State(SensorState),
    Reason(String),
    Warning(String),
}

impl std::str::FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.split_once('=') {
            Some(("state", "Failed")) => Ok(Self::State(SensorState::Failed)),
            Some(("state", "Succeeded")) => Ok(Self::State(SensorState::Succeeded)),
            Some(("reason", reason)) => Ok(Self::Reason(reason.to_owned())),
            Some(("warning", reason)) => Ok(Self::Warning(reason.to_owned())),
            _ => Err(format!(
                "{text:?} is none of state=Failed, state=Succeeded, reason=REASON and warning=REASON"
            )),
        }
    }
}

impl Condition {
    fn holds(&self, row: &SensorRow) -> bool {
        match self {
            Self::State(state) => row.state == *state,
            Self::Reason(reason) => row.reason.as_ref() == Some(reason),
            Self::Warning(reason) => row.warnings.contains(reason),
        }
    }
}

/// Sensors of a run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SensorsView {
    /// Version of this form: 1.
    pub version: u32,
    /// The run's namespace.
    pub namespace: String,
    /// The run.
    pub run: String,
    /// Sensors of the run.
    pub total: u64,
    /// Of these, the ones that were asked for.
    pub found: u64,
    /// The first of these, in the order that was asked for.
    pub sensors: Vec<SensorLine>,
}

/// A sensor in a run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SensorLine {
    /// Its keys.
    #[schemars(with = "BTreeMap<String, String>")]
    pub key: SensorKey,
    /// Whether its predictions were written.
    pub state: SensorState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Readings scored.
    pub rows: u64,
    /// Readings left out because they could not be scored.
    pub skipped: u64,
    /// Readings that were anomalies.
    pub anomalies: u64,
    /// `anomalies` / `rows`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Range of the scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreSummary>,
    /// The kinds of its warnings.
    pub warnings: Vec<String>,
    /// Path of its predictions below the output location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

impl From<SensorRow> for SensorLine {
    fn from(row: SensorRow) -> Self {
        Self {
            share: row.share(),
            key: row.key,
            state: row.state,
            reason: row.reason,
            rows: row.rows,
            skipped: row.skipped,
            anomalies: row.anomalies,
            score: row.score,
            warnings: row.warnings,
            output: row.output,
        }
    }
}

/// One sensor over several runs.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SensorHistory {
    /// Version of this form: 1.
    pub version: u32,
    /// The schedule's namespace.
    pub namespace: String,
    /// The schedule.
    pub schedule: String,
    /// The sensor's keys.
    #[schemars(with = "BTreeMap<String, String>")]
    pub key: SensorKey,
    /// Its runs, the newest first.
    pub runs: Vec<PastRun>,
}

/// What became of a sensor in a run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PastRun {
    /// The run.
    pub run: String,
    /// The end of its window, else when it began.
    pub time: Timestamp,
    /// What became of the sensor; none where the run did not have it, or keeps no table of its sensors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensor: Option<SensorLine>,
}

/// Runs the command.
pub fn run(args: &SensorsArgs) -> Result {
    block_on(async {
        let (cluster, scope) = args.login.connect().await?;
        if let Some(last) = args.last {
            let found = find(&cluster, &scope, &args.target, Kinds::RUNS).await;
            let Found::Schedule(schedule) = found.map_err(exit::cluster)? else {
                return Err(usage(anyhow!(
                    "--last takes a schedule, whose runs follow one another"
                )));
            };
            let place = Scope::Namespace(schedule.namespace().to_owned());
            let runs = cluster
                .runs_of(&place, schedule.name())
                .await
                .map_err(exit::cluster)?;
            let view = history(args, &schedule, &runs, last).await?;
            args.format.print(
                &view,
                |view| {
                    view.runs
                        .iter()
                        .map(|run| format!("run/{}", run.run))
                        .collect()
                },
                draw_history,
            )?;
            return Ok(0);
        }
        let run = cluster
            .run(&scope, &args.target)
            .await
            .map_err(exit::cluster)?;
        let view = table(args, &run).await?;
        if args.format.output == Some(Form::Csv) {
            output::print_as_is(&csv(&view)?)?;
            return Ok(0);
        }
        let names = |view: &SensorsView| {
            view.sensors
                .iter()
                .map(|line| line.key.to_string())
                .collect()
        };
        args.format.print(&view, names, draw)?;
        Ok(0)
    })?
}

fn told(error: &HistoryError) -> CommandError {
    exit::cannot_tell(error)
}

async fn table(args: &SensorsArgs, run: &Run) -> Result<SensorsView> {
    let place = Place::of(run, &args.storage)?;
    let url = place
        .output
        .join(&place.own(TABLE))
        .map_err(super::storage::error)?;
    if !place
        .storage
        .exists(&url)
        .await
        .map_err(super::storage::error)?
    {
        return Err(exit::not_found(format!(
            "{url} does not exist: a run writes its table at its end, and this one has not ended, or had no sensors to tell of"
        )));
    }
    let table = SensorTable::open(&place.storage, &url)
        .await
        .map_err(|error| told(&error))?;
    let rows = table.read_all().await.map_err(|error| told(&error))?;
    let mut rows: Vec<_> = rows
        .into_iter()
        .filter(|row| sensor::is_meant(&args.sensor, &row.key))
        .filter(|row| args.conditions.iter().all(|condition| condition.holds(row)))
        .collect();
    sort(&mut rows, args.sort);
    let found = rows.len() as u64;
    if args.top > 0 {
        rows.truncate(args.top);
    }
    Ok(SensorsView {
        version: VERSION,
        namespace: run.namespace().to_owned(),
        run: run.name().to_owned(),
        total: table.sensors(),
        found,
        sensors: rows.into_iter().map(SensorLine::from).collect(),
    })
}

/// Stable, so that equal ones stay in the order of their keys. What has no value comes last.
fn sort(rows: &mut [SensorRow], by: Sort) {
    match by {
        Sort::Key => {}
        Sort::Rows => rows.sort_by_key(|row| std::cmp::Reverse(row.rows)),
        Sort::Share => rows.sort_by(|one, other| {
            let share = |row: &SensorRow| row.share().unwrap_or(-1.0);
            share(other).total_cmp(&share(one))
        }),
        Sort::Min => rows.sort_by(|one, other| {
            let min = |row: &SensorRow| row.score.map_or(f64::INFINITY, |score| score.min);
            min(one).total_cmp(&min(other))
        }),
    }
}

async fn history(
    args: &SensorsArgs,
    schedule: &Schedule,
    runs: &[Run],
    last: usize,
) -> Result<SensorHistory> {
    let key = sensor::key(&args.sensor);
    let run = runs
        .first()
        .ok_or_else(|| exit::not_found(format!("schedule {} has no run yet", schedule.name())))?;
    let place = Place::of(run, &args.storage)?;
    let location = run
        .spec
        .as_ref()
        .map(|spec| spec.output.location.as_str())
        .unwrap_or_default();
    let root = root(location, run.schedule()).ok_or_else(|| {
        exit::cannot_tell(format!(
            "the runs of {location:?} have no folder in common, and so no history"
        ))
    })?;
    let records = records(&place, &root, schedule, last).await?;
    let past = stream::iter(records).map(|record| past(&place, &key, record));
    let runs: Vec<_> = past.buffered(AT_ONCE).try_collect().await?;
    if runs.iter().all(|run| run.sensor.is_none()) {
        return Err(exit::not_found(format!(
            "sensor {key} in the last {} of schedule {}; name all of its keys",
            counted(runs.len() as u64, "run"),
            schedule.name()
        )));
    }
    Ok(SensorHistory {
        version: VERSION,
        namespace: schedule.namespace().to_owned(),
        schedule: schedule.name().to_owned(),
        key,
        runs,
    })
}

/// The records of a schedule's last runs, the newest first.
async fn records(
    place: &Place,
    root: &ObjectUrl,
    schedule: &Schedule,
    last: usize,
) -> Result<Vec<RunRecord>> {
    let mut month = Timestamp::now()
        .to_zoned(TimeZone::UTC)
        .date()
        .first_of_month();
    let prefix = format!("{}.", schedule.namespace());
    let mut found: Vec<RunRecord> = Vec::new();
    for _ in 0..MONTHS {
        let names = list_records(&place.storage, root, month).await;
        let mut names = names.map_err(|error| told(&error))?;
        // Ticks are in the names, so that this is their order.
        names.retain(|name| name.name.starts_with(&prefix));
        names.sort_by(|one, other| (other.day, &other.name).cmp(&(one.day, &one.name)));
        let read = stream::iter(names)
            .map(|name| async move { read_record(&place.storage, &name.object.url).await });
        let mut read = std::pin::pin!(read.buffered(AT_ONCE));
        while let Some(record) = read.next().await {
            let record = record.map_err(|error| told(&error))?;
            if record.run.schedule.as_deref() == Some(schedule.name()) {
                found.push(record);
            }
            if found.len() >= last {
                return Ok(found);
            }
        }
        let Ok(before) = month.checked_sub(1.month()) else {
            break;
        };
        month = before;
    }
    Ok(found)
}

async fn past(place: &Place, key: &SensorKey, record: RunRecord) -> Result<PastRun> {
    let (run, window) = (record.run.name, record.run.window);
    let time = window.map_or(record.timing.start_time, |window| window.end);
    let output = ObjectUrl::parse(&record.run.output).map_err(super::storage::error)?;
    let (ours, theirs) = (
        (place.output.kind(), place.output.container()),
        (output.kind(), output.container()),
    );
    if ours != theirs {
        return Err(exit::cannot_tell(format!(
            "{output} is not where the schedule's runs write"
        )));
    }
    let own = match &record.run.retries {
        Some(_) => outputs::retry_folder(&run),
        None => outputs::RUN_FOLDER.to_owned(),
    };
    let url = output
        .join(&format!("{own}{TABLE}"))
        .map_err(super::storage::error)?;
    let found = match SensorTable::open(&place.storage, &url).await {
        Ok(table) => table.find(key).await,
        Err(HistoryError::Storage(error)) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    };
    let sensor = found.map_err(|error| told(&error))?.map(SensorLine::from);
    Ok(PastRun { run, time, sensor })
}

fn values(line: &SensorLine) -> [Cell; 7] {
    let state = match line.state {
        SensorState::Succeeded => Cell::new("Succeeded", Tone::Good),
        SensorState::Failed => Cell::new("Failed", Tone::Bad),
    };
    let score = |value: fn(&ScoreSummary) -> f64| {
        or_dash(
            line.score
                .as_ref()
                .map(|score| format!("{:.4}", value(score))),
        )
    };
    let told = line.reason.iter().chain(&line.warnings);
    let told: Vec<_> = told.map(String::as_str).collect();
    [
        state,
        line.rows.to_string().into(),
        line.anomalies.to_string().into(),
        or_dash(line.share.map(percent)).into(),
        score(|score| score.min).into(),
        score(|score| score.mean).into(),
        if told.is_empty() {
            NONE.to_owned()
        } else {
            told.join(", ")
        }
        .into(),
    ]
}

fn columns(first: &'static str) -> Table {
    Table::new()
        .column(first, 0)
        .column("STATE", 1)
        .column("READINGS", 2)
        .column("ANOMALIES", 3)
        .column("SHARE", 0)
        .column("MIN SCORE", 2)
        .column("MEAN SCORE", 4)
        .column("REASON, WARNINGS", 0)
}

fn draw(view: &SensorsView, page: &mut Page) {
    let total = counted(view.total, "sensor");
    if view.sensors.is_empty() {
        let text = format!("None of the {total} of run/{} is meant.", view.run);
        page.paragraph(&Cell::default(), &text.into());
        return;
    }
    let mut table = columns("SENSOR");
    for line in &view.sensors {
        let first = Cell::from(line.key.to_string());
        table.row([first].into_iter().chain(values(line)));
    }
    page.table(&table);
    let shown = view.sensors.len() as u64;
    let chosen = (view.found < view.total)
        .then(|| format!("{} of the {total} of run/{}.", view.found, view.run));
    let cut = (shown < view.found).then(|| {
        format!(
            "The first {shown} of {} are shown; --top 0 shows all.",
            view.found
        )
    });
    let told: Vec<_> = chosen.into_iter().chain(cut).collect();
    if !told.is_empty() {
        page.gap();
        page.paragraph(&Cell::default(), &Cell::new(told.join(" "), Tone::Dim));
    }
}

fn draw_history(view: &SensorHistory, page: &mut Page) {
    page.line([Cell::new(view.key.to_string(), Tone::Head)]);
    let mut table = columns("RUN");
    for run in &view.runs {
        let first = Cell::from(format!("{}  {}", run.run, time(run.time)));
        match &run.sensor {
            Some(line) => table.row([first].into_iter().chain(values(line))),
            None => table.row([first, "not in the run".into()]),
        }
    }
    page.table(&table);
}

fn csv(view: &SensorsView) -> Result<Vec<u8>> {
    let keys = view
        .sensors
        .iter()
        .flat_map(|line| line.key.iter().map(|(name, _)| name));
    let keys: std::collections::BTreeSet<_> = keys.collect();
    let fixed = [
        "state",
        "reason",
        "rows",
        "skipped",
        "anomalies",
        "share",
        "score_min",
        "score_mean",
        "score_max",
        "warnings",
    ];
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(keys.iter().copied().chain(fixed))
        .map_err(failure)?;
    for line in &view.sensors {
        let score = |value: fn(&ScoreSummary) -> f64| {
            line.score
                .as_ref()
                .map_or_else(String::new, |score| value(score).to_string())
        };
        let values = [
            format!("{:?}", line.state),
            line.reason.clone().unwrap_or_default(),
            line.rows.to_string(),
            line.skipped.to_string(),
            line.anomalies.to_string(),
            line.share
                .map_or_else(String::new, |share| share.to_string()),
            score(|score| score.min),
            score(|score| score.mean),
            score(|score| score.max),
            line.warnings.join(" "),
        ];
        let named = keys
            .iter()
            .map(|name| line.key.get(name).unwrap_or_default().to_owned());
        let row = named.chain(values).map(|text| visible(&text).into_owned());
        writer.write_record(row).map_err(failure)?;
    }
    writer
        .into_inner()
        .map_err(|error| failure(error.into_error()))
}
