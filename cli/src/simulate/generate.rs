use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use jiff::Timestamp;
use jiff::tz::Offset;

use super::anomaly::Episode;
use super::plant::{Place, Plant};
use super::sensor::Sensor;
use super::table::{self, Clock, Layout, Row, Table};
use super::{Error, Partition, SimulateArgs, TimeFormat};

const HOUR: i64 = 3_600_000;

/// What the readings to score hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scored {
    /// Readings.
    pub rows: u64,
    /// Readings within an anomaly.
    pub anomalous_rows: u64,
    /// Anomalies.
    pub anomalies: u64,
}

/// Writes the history to train on, one file ordered by time; returns its number of rows.
pub(super) fn training(
    plant: &Plant,
    args: &SimulateArgs,
    progress: &ProgressBar,
) -> Result<u64, Error> {
    let path = args
        .out
        .join("train")
        .with_extension(args.format.extension());
    let mut table = table::create(&path, &layout(plant, args, false))?;
    let mut sensors: Vec<Sensor> = (0..)
        .zip(plant.places())
        .map(|(index, place)| Sensor::training(plant, index, place))
        .collect();
    let mut rows = 0;
    for time in plant.training.iter() {
        for sensor in &mut sensors {
            sensor.step(time);
            table.push(Row {
                time,
                place: sensor.place,
                values: &sensor.values,
                anomalous: false,
            })?;
        }
        rows += sensors.len() as u64;
        progress.inc(sensors.len() as u64);
    }
    table.finish()?;
    Ok(rows)
}

/// Writes the readings to score and the list of anomalies in them.
pub(super) fn readings(
    plant: &Plant,
    args: &SimulateArgs,
    progress: &ProgressBar,
) -> Result<Scored, Error> {
    let mut anomalies = AnomalyList::create(&args.out, plant.scoring.step)?;
    let layout = layout(plant, args, true);
    let scored = match args.partition {
        Partition::None => by_time(plant, &layout, &mut anomalies, progress, |_| {
            args.out
                .join("readings")
                .with_extension(args.format.extension())
        }),
        Partition::Hour => by_time(plant, &layout, &mut anomalies, progress, |time| {
            hour_path(args, time)
        }),
        Partition::Sensor => by_sensor(plant, args, &layout, &mut anomalies, progress),
    }?;
    anomalies.finish()?;
    Ok(scored)
}

fn layout(plant: &Plant, args: &SimulateArgs, labelled: bool) -> Layout {
    Layout {
        format: args.format,
        time_format: args.time_format,
        features: plant.feature_names(),
        labelled,
    }
}

/// All sensors side by side, as a real export looks; `path` names the file of a time and must not return to an earlier one.
fn by_time(
    plant: &Plant,
    layout: &Layout,
    anomalies: &mut AnomalyList,
    progress: &ProgressBar,
    path: impl Fn(i64) -> PathBuf,
) -> Result<Scored, Error> {
    let mut sensors: Vec<Sensor> = (0..)
        .zip(plant.places())
        .map(|(index, place)| Sensor::scoring(plant, index, place))
        .collect();
    let mut scored = Scored::default();
    let mut open = path(plant.scoring.start);
    let mut table = table::create(&open, layout)?;
    for (index, time) in (0..).zip(plant.scoring.iter()) {
        let wanted = path(time);
        if wanted != open {
            table.finish()?;
            table = table::create(&wanted, layout)?;
            open = wanted;
        }
        for sensor in &mut sensors {
            step(
                sensor,
                time,
                plant.scoring.count - index,
                &mut *table,
                anomalies,
                &mut scored,
            )?;
        }
        progress.inc(sensors.len() as u64);
    }
    table.finish()?;
    Ok(scored)
}

/// One sensor after the other, each into its own file.
fn by_sensor(
    plant: &Plant,
    args: &SimulateArgs,
    layout: &Layout,
    anomalies: &mut AnomalyList,
    progress: &ProgressBar,
) -> Result<Scored, Error> {
    let mut scored = Scored::default();
    for (index, place) in (0..).zip(plant.places()) {
        let mut sensor = Sensor::scoring(plant, index, place);
        let mut table = table::create(&sensor_path(args, place), layout)?;
        for (tick, time) in (0..).zip(plant.scoring.iter()) {
            step(
                &mut sensor,
                time,
                plant.scoring.count - tick,
                &mut *table,
                anomalies,
                &mut scored,
            )?;
        }
        table.finish()?;
        progress.inc(u64::from(plant.scoring.count));
    }
    Ok(scored)
}

/// Makes and writes one reading; `left` readings, this one included, follow of its sensor.
fn step(
    sensor: &mut Sensor,
    time: i64,
    left: u32,
    table: &mut dyn Table,
    anomalies: &mut AnomalyList,
    scored: &mut Scored,
) -> Result<(), Error> {
    let step = sensor.step(time);
    scored.rows += 1;
    scored.anomalous_rows += u64::from(step.anomalous);
    if let Some(episode) = step.began {
        scored.anomalies += 1;
        anomalies.push(sensor.place, time, episode, left)?;
    }
    table.push(Row {
        time,
        place: sensor.place,
        values: &sensor.values,
        anomalous: step.anomalous,
    })
}

fn sensor_path(args: &SimulateArgs, place: Place) -> PathBuf {
    let folder = args.out.join(format!(
        "readings/device={}/tag={}",
        place.device, place.tag
    ));
    folder
        .join("readings")
        .with_extension(args.format.extension())
}

fn hour_path(args: &SimulateArgs, time: i64) -> PathBuf {
    // The plant's times were checked; the fallback is never seen.
    let hour = Timestamp::from_millisecond(time.div_euclid(HOUR) * HOUR).unwrap_or_default();
    let name = Offset::UTC
        .to_datetime(hour)
        .strftime("readings/%Y/%m/%d/%H")
        .to_string();
    args.out.join(name).with_extension(args.format.extension())
}

/// The file `anomalies.csv`: what is wrong, where, from the first to the last anomalous reading.
struct AnomalyList {
    path: PathBuf,
    out: BufWriter<File>,
    clock: Clock,
    interval: i64,
}

impl AnomalyList {
    fn create(folder: &Path, interval: i64) -> Result<Self, Error> {
        let path = folder.join("anomalies.csv");
        let mut out = BufWriter::new(File::create(&path).map_err(Error::io(&path))?);
        writeln!(out, "Device,Tag,Kind,First,Last,Rows").map_err(Error::io(&path))?;
        Ok(Self {
            path,
            out,
            clock: Clock::new(TimeFormat::Rfc3339),
            interval,
        })
    }

    fn push(&mut self, place: Place, first: i64, episode: Episode, left: u32) -> Result<(), Error> {
        let rows = episode.rows.min(left);
        let last = first + i64::from(rows - 1) * self.interval;
        self.write(place, first, last, episode, rows)
            .map_err(Error::io(&self.path))
    }

    fn write(
        &mut self,
        place: Place,
        first: i64,
        last: i64,
        episode: Episode,
        rows: u32,
    ) -> std::io::Result<()> {
        write!(self.out, "{},{},{},", place.device, place.tag, episode.kind)?;
        self.clock.write(first, &mut self.out)?;
        self.out.write_all(b",")?;
        self.clock.write(last, &mut self.out)?;
        writeln!(self.out, ",{rows}")
    }

    fn finish(mut self) -> Result<(), Error> {
        self.out.flush().map_err(Error::io(&self.path))
    }
}
