use fleetscore_crds::{AggregateFunction, Duplicates, ReadingStreamSpec};

use super::{FeaturePartials, Partials};

const SECOND: i64 = 1_000_000_000;

/// Times are at most so far from 1970 (146 years), so that no sum of a time and a length overflows.
pub(super) const FURTHEST: i64 = i64::MAX / 2;

/// How one stream makes windows of readings. Lengths and times are in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// The first time for which rows are written: windows begin then or later; without windows, readings are of then or later.
    pub start: i64,
    /// How long a window is; without windows, a segment.
    pub size: i64,
    /// From one window's start to the next one's; without windows, a segment.
    pub hop: i64,
    /// How long a segment is: what is published as a whole.
    pub segment: i64,
    /// How far the watermark stays behind the newest reading.
    pub tolerance: i64,
    /// How far a reading may be after its arrival.
    pub early: i64,
    /// After how long without a record the clock closes windows.
    pub idle: i64,
    /// How far a reading may be before its arrival.
    pub max_age: i64,
    /// Whether readings are aggregated. If not, each is a row.
    pub has_windows: bool,
    /// Whether a reading of a sensor and time that came before is left out.
    pub drop_same_time: bool,
    /// At most so many sensors are known at a time.
    pub max_sensors: usize,
    /// The published columns, in their order.
    pub outputs: Vec<Output>,
    columns: Partials,
}

/// One published column of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its name.
    pub column: String,
    /// The feature that it is made of, by its place in `event.columns.features`.
    pub feature: usize,
    /// How. Without windows a row is one reading, and its `Sum` is its value.
    pub function: AggregateFunction,
}

/// Why no rules follow from a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// A length is out of its range.
    #[error("{field} is {seconds}: it must be from {least} to {most} seconds")]
    Length {
        /// The field.
        field: &'static str,
        /// Its value.
        seconds: u32,
        /// The least that it may be.
        least: u32,
        /// The most that it may be.
        most: u32,
    },
    /// A length is no multiple of another one.
    #[error(
        "{field} is {seconds}: it must be a multiple of {part} ({part_seconds}), so that none is cut"
    )]
    Multiple {
        /// The field.
        field: &'static str,
        /// Its value.
        seconds: u32,
        /// The field, or what it is, that must divide it.
        part: &'static str,
        /// The value of that.
        part_seconds: u32,
    },
    /// An aggregate is of something that is no feature.
    #[error(
        "aggregates: {column:?} is of {of:?}, which is none of event.columns.features; add it there"
    )]
    NoFeature {
        /// The aggregate's column.
        column: String,
        /// What it is of.
        of: String,
    },
    /// There are windows without aggregates, or aggregates without windows.
    #[error(
        "aggregates must be given exactly where window is given; add the one or drop the other"
    )]
    Aggregates,
}

impl Rules {
    /// Those of a manifest. `start` is the first time for which rows are written, in nanoseconds since 1970 (`i64::MIN`: all that there is).
    pub fn new(spec: &ReadingStreamSpec, start: i64) -> Result<Self, RulesError> {
        let segment = length(
            "output.segmentSeconds",
            spec.output.segment_seconds,
            60,
            DAY,
        )?;
        divides("a day", DAY, "output.segmentSeconds", segment)?;
        let (size, hop) = match &spec.window {
            None => (segment, segment),
            Some(window) => {
                let size = length("window.sizeSeconds", window.size_seconds, 1, DAY)?;
                let hop = window.hop_seconds.unwrap_or(size);
                let hop = length("window.hopSeconds", hop, 1, DAY)?;
                divides("window.sizeSeconds", size, "window.hopSeconds", hop)?;
                divides("output.segmentSeconds", segment, "window.hopSeconds", hop)?;
                (size, hop)
            }
        };
        if spec.window.is_some() == spec.aggregates.is_empty() {
            return Err(RulesError::Aggregates);
        }
        let outputs = outputs(spec)?;
        let late = &spec.lateness;
        let tolerance = late.tolerance_seconds;
        let early = late.early_seconds;
        Ok(Self {
            start: start.clamp(-FURTHEST, FURTHEST),
            size: nanoseconds(size),
            hop: nanoseconds(hop),
            segment: nanoseconds(segment),
            tolerance: nanoseconds(length("lateness.toleranceSeconds", tolerance, 0, WEEK)?),
            early: nanoseconds(length("lateness.earlySeconds", early, 0, DAY)?),
            idle: nanoseconds(length("lateness.idleSeconds", late.idle_seconds, 1, DAY)?),
            max_age: nanoseconds(late.max_age_seconds),
            has_windows: spec.window.is_some(),
            drop_same_time: spec.duplicates == Duplicates::DropSameTime,
            max_sensors: spec.limits.max_sensors as usize,
            columns: columns(spec.event.columns.features.len(), &outputs),
            outputs,
        })
    }

    /// Partial aggregates without rows, with the columns that the outputs need.
    pub fn partials(&self) -> Partials {
        self.columns.clone()
    }

    /// How many features a reading has.
    pub fn features(&self) -> usize {
        self.columns.features.len()
    }

    /// The start of the first window that is written; without windows, of the first segment.
    pub(super) fn first_window(&self) -> i64 {
        if self.has_windows {
            ceiling(self.start, self.hop)
        } else {
            floor(self.start, self.hop)
        }
    }

    /// The start of the segment that holds a time.
    pub fn segment_of(&self, time: i64) -> i64 {
        floor(time, self.segment)
    }
}

/// The last multiple of `length` that is at most `time`.
pub(super) fn floor(time: i64, length: i64) -> i64 {
    time - time.rem_euclid(length)
}

/// The first multiple of `length` that is at least `time`.
pub(super) fn ceiling(time: i64, length: i64) -> i64 {
    floor(time + length - 1, length)
}

const DAY: u32 = 86_400;
const WEEK: u32 = 7 * DAY;

fn nanoseconds(seconds: u32) -> i64 {
    i64::from(seconds) * SECOND
}

fn length(field: &'static str, seconds: u32, least: u32, most: u32) -> Result<u32, RulesError> {
    if (least..=most).contains(&seconds) {
        return Ok(seconds);
    }
    Err(RulesError::Length {
        field,
        seconds,
        least,
        most,
    })
}

fn divides(
    field: &'static str,
    seconds: u32,
    part: &'static str,
    part_seconds: u32,
) -> Result<(), RulesError> {
    if seconds.is_multiple_of(part_seconds) {
        return Ok(());
    }
    Err(RulesError::Multiple {
        field,
        seconds,
        part,
        part_seconds,
    })
}

fn outputs(spec: &ReadingStreamSpec) -> Result<Vec<Output>, RulesError> {
    let features = &spec.event.columns.features;
    if spec.window.is_none() {
        let plain = |(feature, column): (usize, &String)| Output {
            column: column.clone(),
            feature,
            function: AggregateFunction::Sum,
        };
        return Ok(features.iter().enumerate().map(plain).collect());
    }
    let aggregated = spec.aggregates.iter().map(|aggregate| {
        let feature = features.iter().position(|name| *name == aggregate.of);
        Ok(Output {
            column: aggregate.column.clone(),
            feature: feature.ok_or_else(|| RulesError::NoFeature {
                column: aggregate.column.clone(),
                of: aggregate.of.clone(),
            })?,
            function: aggregate.function,
        })
    });
    aggregated.collect()
}

fn columns(features: usize, outputs: &[Output]) -> Partials {
    let of = |feature| {
        let its = outputs
            .iter()
            .filter(move |output| output.feature == feature);
        FeaturePartials::new(its.map(|output| output.function))
    };
    Partials::new((0..features).map(of).collect())
}
