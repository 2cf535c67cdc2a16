use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::EventArgs;

/// Make up a plant's readings, with labelled anomalies, to try things out on
///
/// Writes a clean history to train on (train.csv), the readings to score with the truth
/// in the column Label (readings.csv), the list of anomalies (anomalies.csv), the list of
/// sensors (sensors.csv), and two manifests that work as they are. The same options give
/// the same bytes on any machine.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  fleetscore simulate --sensors 200 --hours 4 --seed 1 --out plant
  fleetscore train -f plant/train.yaml
  fleetscore run -f plant/run.yaml
  fleetscore simulate --out plant --to-kafka 127.0.0.1:9092/telemetry --events-out plant.jsonl

Exit codes:
  0  written; 1 failed; 2 the command line is wrong")]
pub struct SimulateArgs {
    /// Number of sensors: devices x tags
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub sensors: u32,

    /// Tags of each device; must divide the number of sensors [default: the largest of 5, 4, 3, 2, 1 that does]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub tags: Option<u32>,

    /// Numbers in each reading: one column Value, or Value1 to Value<D>
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub features: u32,

    /// Length of the readings to score, in hours; fractions are fine
    #[arg(long, default_value_t = 4.0, value_parser = positive)]
    pub hours: f64,

    /// Start of the readings to score (RFC 3339); the history to train on ends here
    #[arg(long, default_value = "2026-01-05T00:00:00Z")]
    pub start: Timestamp,

    /// Seconds between two readings of a sensor
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub interval_seconds: u32,

    /// Length of the history to train on, in hours; a day shows the whole daily rhythm
    #[arg(long, default_value_t = 24.0, value_parser = positive)]
    pub train_hours: f64,

    /// Seconds between two readings of the history
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub train_interval_seconds: u32,

    /// Share of the readings to score that are anomalous, 0 to 0.5
    #[arg(long, default_value_t = 0.02, value_parser = rate)]
    pub anomaly_rate: f64,

    /// Chooses the plant: another seed, another plant
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// File format of the history and the readings
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    pub format: Format,

    /// How the readings are split into files
    #[arg(long, value_enum, default_value_t = Partition::None)]
    pub partition: Partition,

    /// How times are written in CSV; Parquet always holds typed UTC timestamps
    #[arg(long, value_enum, default_value_t = TimeFormat::Rfc3339)]
    pub time_format: TimeFormat,

    /// Folder to write into; created if absent, and must be empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Replace an earlier simulation in DIR; other files there are left alone
    #[arg(long)]
    pub force: bool,

    /// The readings to score as events.
    #[command(flatten)]
    pub events: EventArgs,
}

/// A file format of readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Comma-separated values with a header line
    Csv,
    /// Apache Parquet, compressed with zstd
    Parquet,
}

impl Format {
    /// The extension of a file in this format, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// How readings are split into files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Partition {
    /// One file, ordered by time
    None,
    /// One file a sensor: readings/device=1/tag=2/readings.csv
    Sensor,
    /// One file an hour (UTC), ordered by time: readings/2026/01/05/08.csv
    Hour,
}

/// How a time is written in CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TimeFormat {
    /// 2026-01-05T08:00:05Z
    Rfc3339,
    /// 2026-01-05 08:00:05.000, in UTC without saying so, as many exports do
    Plain,
    /// Seconds since 1970
    EpochSeconds,
    /// Milliseconds since 1970
    EpochMillis,
}

fn positive(text: &str) -> Result<f64, String> {
    let hours: f64 = text
        .parse()
        .map_err(|_| format!("`{text}` is not a number"))?;
    if hours > 0.0 && hours <= 100_000.0 {
        Ok(hours)
    } else {
        Err("must be above 0 and at most 100000".to_owned())
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text
        .parse()
        .map_err(|_| format!("`{text}` is not a number"))?;
    if (0.0..=0.5).contains(&rate) {
        Ok(rate)
    } else {
        Err("must be between 0 and 0.5".to_owned())
    }
}
