//! Writes the history of a plant that never was: `cargo run -p fleetscore-dashboard --example sample_history -- DIR [SENSORS] [RUNS] [END]`.
//!
//! In `DIR` are the runs of four schedules, one of them with names made to break a page, and runs without a schedule. `SENSORS` (200) and
//! `RUNS` (72) are those of the largest schedule, whose last run ends at `END` (the last full hour). The same arguments give the same files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use fleetscore_crds::{Failure, FailureReason, Limit, SensorKey, Window};
use fleetscore_scorer::history::{
    RunRecord, SensorRow, ShareCounts, TableInfo, TableWriter, record_path,
};
use fleetscore_scorer::ledger::{
    LEDGER_VERSION, LedgerEntry, LedgerHeader, ScoreSummary, SensorState, Warning, WarningReason,
};
use fleetscore_scorer::outputs;
use fleetscore_scorer::place::RunIdentity;
use fleetscore_scorer::report::{Fold, RunInfo};
use jiff::{SignedDuration, Timestamp};

const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;";
/// Readings of a sensor in a window.
const ROWS: u64 = 240;
/// Sensors whose predictions are written.
const WRITTEN: u32 = 60;

/// A schedule of the plant.
struct Plan {
    namespace: Option<&'static str>,
    schedule: Option<&'static str>,
    run: &'static str,
    sensors: u32,
    runs: u32,
    every: SignedDuration,
    /// Makes its numbers other ones than those of the others.
    seed: u64,
    hostile: bool,
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let usage = "usage: sample_history DIR [SENSORS] [RUNS] [END]";
    let folder = args.first().context(usage)?;
    fs::create_dir_all(folder)?;
    let folder = fs::canonicalize(folder)?;
    let number =
        |position: usize, default: u32| args.get(position).map_or(Ok(default), |text| text.parse());
    let (sensors, runs) = (number(1, 200)?, number(2, 72)?);
    let end = match args.get(3) {
        Some(end) => end.parse()?,
        None => last_hour()?,
    };
    let hour = SignedDuration::from_hours(1);
    let small = sensors.min(40);
    let plan = |namespace, schedule, run, sensors, runs, every, seed| Plan {
        namespace,
        schedule,
        run,
        sensors,
        runs,
        every,
        seed,
        hostile: false,
    };
    let plans = [
        plan(
            Some("plant-a"),
            Some("pumps"),
            "pumps",
            sensors,
            runs,
            hour,
            1,
        ),
        plan(
            Some("plant-a"),
            Some("valves"),
            "valves",
            small,
            runs.min(30),
            hour * 24,
            2,
        ),
        plan(
            Some("plant-b"),
            Some("flows"),
            "flows",
            small * 2,
            runs,
            hour,
            3,
        ),
        plan(None, None, "bench", 12, 5, hour * 24, 4),
        Plan {
            hostile: true,
            ..plan(Some("plant-b"), Some(HOSTILE), HOSTILE, 8, 6, hour * 6, 5)
        },
    ];
    for plan in plans {
        for back in (0..plan.runs).rev() {
            plan.write(&folder, end, back)?;
        }
    }
    Ok(())
}

fn last_hour() -> anyhow::Result<Timestamp> {
    let now = Timestamp::now().as_second();
    Ok(Timestamp::from_second(now - now.rem_euclid(3600))?)
}

impl Plan {
    /// Writes the run that is so many ticks `back` from the one that ends at `end`.
    fn write(&self, folder: &Path, end: Timestamp, back: u32) -> anyhow::Result<()> {
        let end = end - self.every * i32::try_from(back)?;
        let window = Window {
            start: end - self.every,
            end,
        };
        let name = match self.schedule {
            Some(_) => format!("{}-{}", self.run, end.as_second()),
            None => self.run.to_owned(),
        };
        let place = format!("{}/{}", self.seed, end.strftime("%Y/%m/%d/%H"));
        let output = folder.join(&place);
        fs::create_dir_all(output.join("_run"))?;
        let run = RunInfo {
            name: name.clone(),
            uid: None,
            generation: None,
            namespace: self.namespace.map(str::to_owned),
            schedule: self.schedule.map(str::to_owned),
            window: Some(window),
            output: format!("file://{}/", output.display()),
            retries: None,
        };
        let entries: Vec<_> = (0..self.sensors)
            .map(|sensor| self.entry(sensor, end, back))
            .collect();
        let mut fold = Fold::new(run, u64::from(self.sensors), Limit::Percent(10));
        let (mut shares, mut seconds) = (ShareCounts::default(), 0.0);
        let mut headers = Vec::new();
        for (shard, entries) in (0_u32..).zip(entries.chunks(500)) {
            let took = 8.0 + noise(self.seed + 7, u64::from(shard), back) * 3.0;
            seconds += took;
            let header = LedgerHeader {
                version: LEDGER_VERSION,
                run: RunIdentity {
                    uid: "5c3f2a1e-7d0b-4a7e-9a63-2f1f0c4a9b10".into(),
                    generation: Some(1),
                    window: None,
                },
                shard,
                sensors: entries.len() as u64,
                interrupted: false,
                seconds: took,
                bytes_read: entries.len() as u64 * 9_600,
            };
            fold.add_shard(&header, entries);
            headers.push(header);
        }
        for entry in &entries {
            if entry.state == SensorState::Succeeded {
                shares.add(entry.anomalies, entry.rows);
            }
        }
        let start = end + SignedDuration::from_secs(20);
        let took = 60.0 + 40.0 * noise(self.seed + 9, 0, back) + f64::from(self.sensors) / 200.0;
        let report = fold.finish(start, start + SignedDuration::try_from_secs_f64(took)?);
        let record = RunRecord::new(&report, &shares, seconds);
        self.write_table(&output, name.clone(), &entries)?;
        for (sensor, entry) in (0..WRITTEN).zip(&entries) {
            if let Some(path) = entry.output.as_ref().filter(|_| back < 3) {
                fs::write(output.join(path), self.predictions(sensor, entry, window)?)?;
            }
        }
        if back < 3 {
            self.write_steps(&output, &headers)?;
        }
        fs::write(output.join(outputs::REPORT_JSON), report.to_json()?)?;
        let path = record_path(self.namespace, &name.replace('/', "_"), Some(window), start);
        let path = folder.join(path);
        fs::create_dir_all(path.parent().context("a record lies in a folder")?)?;
        // As a run does: a reader sees the whole of it or nothing.
        let staged = path.with_extension("staged");
        fs::write(&staged, record.to_json()?)?;
        fs::rename(staged, path)?;
        Ok(())
    }

    /// Writes what the steps left besides: the begin of each ledger, and the logs.
    fn write_steps(&self, output: &Path, headers: &[LedgerHeader]) -> anyhow::Result<()> {
        fs::create_dir_all(output.join(outputs::LEDGERS))?;
        fs::create_dir_all(output.join(outputs::LOGS))?;
        let put = |name: &str, text: String| {
            fs::write(output.join(format!("{}{name}.log", outputs::LOGS)), text)
        };
        put("plan", format!("INFO planned {} sensors\n", self.sensors))?;
        put("collect", "INFO wrote the report\n".to_owned())?;
        for header in headers {
            let line = serde_json::to_string(header)? + "\n";
            fs::write(output.join(outputs::ledger(header.shard)), line)?;
            let mut log = String::new();
            for sensor in 0..header.sensors {
                writeln!(log, "INFO scored sensor {sensor} of shard {}", header.shard)?;
            }
            if self.hostile {
                let end = "<&".repeat(50_000);
                writeln!(log, "\u{1b}[31mWARN\u{1b}[0m {HOSTILE}\r\n{end}")?;
            }
            let path = output
                .join(outputs::LOGS)
                .join(outputs::shard_log(header.shard));
            fs::write(path, log)?;
        }
        Ok(())
    }

    fn write_table(
        &self,
        output: &Path,
        run: String,
        entries: &[LedgerEntry],
    ) -> anyhow::Result<()> {
        let mut table = TableWriter::new(&TableInfo {
            run,
            namespace: self.namespace.map(str::to_owned),
            retries: None,
            keys: vec!["device".into(), "tag".into()],
        })?;
        for entry in entries {
            table.add(SensorRow::from(entry.clone()))?;
        }
        fs::write(output.join(outputs::SENSORS), table.finish()?)?;
        Ok(())
    }

    fn key(&self, sensor: u32) -> SensorKey {
        let device = match sensor {
            0 if self.hostile => HOSTILE.to_owned(),
            1 if self.hostile => "../..%2f\\x".to_owned(),
            _ => format!("{}-{:05}", self.run.get(..4).unwrap_or("unit"), sensor / 4),
        };
        let tags = ["flow", "pressure", "temperature", "vibration"];
        let tag = tags.get(sensor as usize % 4).copied().unwrap_or_default();
        let pairs = [("device", device.as_str()), ("tag", tag)];
        pairs.into_iter().collect()
    }

    /// What became of a sensor: most are well, some fail, some have drifted for a day, a few are always anomalous.
    fn entry(&self, sensor: u32, end: Timestamp, back: u32) -> LedgerEntry {
        let own = u64::from(sensor);
        let kind = noise(self.seed, own, 0);
        let now = noise(self.seed + 1, own, back);
        let failure = self.failure(sensor, kind, back);
        let share = match kind {
            k if k < 0.02 => 0.62 + 0.2 * now,
            k if k < 0.06 => 0.08 + 0.25 * now + if back < 8 { 0.2 } else { 0.0 },
            k if k < 0.3 => 0.03 * now,
            _ => 0.004 * now,
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to ROWS"
        )]
        let anomalies = (share * ROWS as f64).round() as u64;
        let is_silent = kind > 0.98 && kind <= 0.985 && back == 0;
        let is_scored = failure.is_none();
        let rows = if is_scored && !is_silent { ROWS } else { 0 };
        let drift = if kind < 0.06 && back < 2 { -0.2 } else { 0.0 };
        let mean = 0.25 + 0.1 * kind + 0.02 * now + drift;
        let anomalies = anomalies.min(rows);
        let warning = Warning {
            reason: WarningReason::MostlyAnomalous,
            message: format!(
                "{anomalies} of {rows} readings are anomalies: the model may no longer fit"
            ),
        };
        LedgerEntry {
            key: self.key(sensor),
            state: if is_scored {
                SensorState::Succeeded
            } else {
                SensorState::Failed
            },
            rows,
            skipped: 0,
            anomalies,
            score: (rows > 0).then(|| ScoreSummary {
                min: if anomalies > 0 {
                    -0.05 - 0.4 * now
                } else {
                    0.02 + 0.1 * now
                },
                mean,
                max: mean + 0.3,
            }),
            values: None,
            classes: BTreeMap::new(),
            model: None,
            labels: None,
            output: is_scored.then(|| format!("sensor-{sensor:06}-{}.csv", end.as_second())),
            seconds: 0.02,
            warnings: if anomalies * 2 > rows {
                vec![warning]
            } else {
                vec![]
            },
            error: failure.map(|(reason, message)| Failure { reason, message }),
        }
    }

    fn failure(&self, sensor: u32, kind: f64, back: u32) -> Option<(FailureReason, String)> {
        let is_outage = self.seed == 3 && back % 31 == 9;
        let name = if self.hostile { HOSTILE } else { "" };
        if is_outage && sensor.is_multiple_of(2) {
            let message = "az://data/flows.csv: 503 ServerBusy, given up after 4 tries";
            return Some((FailureReason::StorageUnavailable, message.to_owned()));
        }
        if kind < 0.01 && back < 20 || self.hostile && sensor == 0 && back > 2 {
            let message = format!("az://models/{sensor}.pkl: no such object {name}");
            return Some((FailureReason::ModelNotFound, message));
        }
        let is_absent = kind > 0.985 && back.is_multiple_of(3);
        is_absent.then(|| {
            let message = "az://data/today.csv: no such object";
            (FailureReason::ReadingsNotFound, message.to_owned())
        })
    }

    /// Predictions whose anomalies are as many as `entry` says.
    fn predictions(
        &self,
        sensor: u32,
        entry: &LedgerEntry,
        window: Window,
    ) -> anyhow::Result<String> {
        let mut text = "TS,device,tag,Value,Score,Prediction\n".to_owned();
        let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let key: Vec<_> = entry.key.iter().map(|(_, value)| quote(value)).collect();
        let key = key.join(",");
        let span = window.end.duration_since(window.start).as_secs();
        let step = span / i64::try_from(ROWS)?;
        for row in 0..entry.rows {
            let time = window.start + SignedDuration::from_secs(step * i64::try_from(row)?);
            let is_anomaly = row.wrapping_mul(97) % entry.rows.max(1) < entry.anomalies;
            let wave = (row as f64 / 30.0 + f64::from(sensor)).sin();
            let jitter = noise(self.seed + 3, u64::from(sensor), u32::try_from(row)?) - 0.5;
            let value = 20.0 + 3.0 * wave + jitter + if is_anomaly { 6.0 } else { 0.0 };
            let score = if is_anomaly {
                -0.05 - 0.3 * jitter.abs()
            } else {
                0.3 + 0.1 * jitter
            };
            let is_anomaly = u8::from(is_anomaly);
            writeln!(text, "{time},{key},{value:.3},{score:.5},{is_anomaly}")?;
        }
        Ok(text)
    }
}

/// A number from 0 to 1 that looks random, and is the same each time.
fn noise(seed: u64, one: u64, other: u32) -> f64 {
    let mut bits =
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ one.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits ^= u64::from(other).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}
